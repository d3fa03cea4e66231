import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = import.meta.dirname;
const fixture = (name: string): string => join(folder, 'fixtures', `${name}.yaml`);

/** Runs the command as a user does. */
const run = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(join(folder, 'metallb-ts'), args, { input, encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('standard input is converted to standard output', () => {
  expect(run(['convert'], readFileSync(fixture('bgp'), 'utf8'))).toEqual({
    status: 0,
    stdout: readFileSync(fixture('bgp.expected'), 'utf8'),
    stderr: expect.stringMatching(/^metallb-ts: warning: peers\[0\]\.password: .*\n$/) as unknown,
  });
});

test('a file is converted to a file that only its owner may read', () => {
  const out = mkdtempSync(join(tmpdir(), 'metallb-ts-convert-'));
  try {
    const output = join(out, 'resources.yaml');
    expect(run(['convert', '-only-data', '-source', fixture('only-data'), '--output', output])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(readFileSync(output, 'utf8')).toBe(readFileSync(fixture('only-data.expected'), 'utf8'));
    expect(statSync(output).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(out, { recursive: true });
  }
});

test('an error is told, nothing is written, and the exit code is 1', () => {
  const { status, stdout, stderr } = run(['convert', '--only-data'], 'address-pools: {}');
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toContain('metallb-ts: address-pools: could not parse config: must be a list, and is a map\n');
  expect(run(['convert', '--source', '/does/not/exist']).status).toBe(1);
});

test('help goes to standard output, a wrong command line is an error', () => {
  expect(run(['convert', '--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('--only-data') as unknown,
  });
  expect(run([])).toMatchObject({ status: 0, stdout: expect.stringContaining('metallb-ts convert') as unknown });
  expect(run(['convert', '--sauce', 'x'])).toMatchObject({ status: 2, stdout: '' });
  expect(run(['revert'])).toMatchObject({ status: 2, stdout: '' });
});
