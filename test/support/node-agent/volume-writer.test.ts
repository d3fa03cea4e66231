import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeEmptyDir, writeVolume } from './volume-writer.ts';

// Files are given to users, which only root may do.
const isRoot = process.getuid?.() === 0;

const payload = (files: Readonly<Record<string, string>>, mode = 0o644) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));

const temporary = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'metallb-ts-volume-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
};

const visible = (dir: string) => readdirSync(dir).filter((name) => !name.startsWith('..'));

test.runIf(isRoot)('a volume shows its newest files and nothing older', async () => {
  const dir = temporary();
  await writeVolume(dir, payload({ a: '1', 'sub/b': '2' }), {});
  expect(visible(dir)).toEqual(['a', 'sub']);
  await writeVolume(dir, payload({ a: '3', c: '4' }), {});
  expect(visible(dir)).toEqual(['a', 'c']);
  expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('3');
  expect(readdirSync(dir).filter((name) => name.startsWith('..'))).toHaveLength(2);
});

test.runIf(isRoot)('a reader that holds on to the old folder is not given a mixture', async () => {
  const dir = temporary();
  await writeVolume(dir, payload({ a: '1', b: '1' }), {});
  const before = statSync(join(dir, '..data/')).ino;
  await writeVolume(dir, payload({ a: '2', b: '2' }), {});
  expect(statSync(join(dir, '..data/')).ino).not.toBe(before);
  expect([readFileSync(join(dir, 'a'), 'utf8'), readFileSync(join(dir, 'b'), 'utf8')]).toEqual(['2', '2']);
});

test.runIf(isRoot)('the files belong to the group of the pod, which may read them', async () => {
  const dir = temporary();
  await writeVolume(dir, payload({ token: 'x' }, 0o600), { uid: 65534, fsGroup: 1000 });
  const { uid, gid, mode } = statSync(join(dir, 'token'));
  expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 65534, gid: 1000, mode: 0o640 });
});

test.runIf(isRoot)('everybody may write to an emptyDir', async () => {
  const dir = join(temporary(), 'empty');
  await makeEmptyDir(dir, {});
  expect(statSync(dir).mode & 0o7777).toBe(0o777);
  await makeEmptyDir(dir, { fsGroup: 1000 });
  expect(statSync(dir).mode & 0o7777).toBe(0o2777);
});
