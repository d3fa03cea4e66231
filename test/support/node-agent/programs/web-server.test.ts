import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** Starts the program under a name; gives its address once it listens. */
const start = async (name: string, args: readonly string[]): Promise<{ child: ChildProcess; url: string }> => {
  const dir = mkdtempSync(join(tmpdir(), 'metallb-ts-program-'));
  symlinkSync(join(import.meta.dirname, 'web-server.ts'), join(dir, name));
  const child = spawn(process.execPath, [join(dir, name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: `http://127.0.0.1:${/port (\d+)/.exec(line.toString())?.[1]}` };
};

test('http-echo answers its text and a line break, as the image does', async () => {
  const { url } = await start('http-echo', ['-text=hello world', '-listen=127.0.0.1:0']);
  const response = await fetch(url);
  expect([response.status, response.headers.get('x-app-name'), await response.text()]).toEqual([
    200,
    'http-echo',
    'hello world\n',
  ]);
});

test('a program ends well when it is asked to', async () => {
  const { child } = await start('http-echo', ['-listen', '127.0.0.1:0']);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
