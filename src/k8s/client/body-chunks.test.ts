import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import { bodyChunks } from './body-chunks.ts';
import type { CallLimit } from './call-limit.ts';

/** A body in memory, and how often its limit was let go of. */
const rig = () => {
  const source = new Readable({ read: () => {} });
  let disposed = 0;
  const limit: CallLimit = {
    check: () => {},
    isOver: () => false,
    left: () => seconds(1),
    race: (promise) => promise,
    onEnd: () => {},
    stopClock: () => {},
    explain: (error) => new Error('explained', { cause: error }),
    [Symbol.dispose]: () => disposed++,
  };
  const reader = bodyChunks(source, limit)[Symbol.asyncIterator]();
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.next();
    return done === true ? undefined : Buffer.from(value).toString();
  };
  return { source, reader, read, disposed: () => disposed };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('chunks are read in order, those that waited and those that are waited for, until the end', async () => {
  const { source, read, disposed } = rig();
  source.push('a');
  source.push('b');
  await turn();
  expect([await read(), await read()]).toEqual(['a', 'b']);
  const third = read();
  source.push('c');
  expect(await third).toBe('c');
  source.push('d');
  source.push(null);
  expect([await read(), await read(), await read()]).toEqual(['d', undefined, undefined]);
  expect(disposed()).toBe(1);
});

test('a slow reader makes the source wait, and loses nothing', async () => {
  const { source, read } = rig();
  for (let count = 0; count < 40; count++) {
    source.push(String(count));
    await turn();
  }
  expect(source.isPaused()).toBe(true);
  const seen: (string | undefined)[] = [];
  while (seen.length < 16) seen.push(await read());
  expect(seen).toEqual(Array.from({ length: 16 }, (_, count) => String(count)));
  expect(source.isPaused()).toBe(false);
});

test('what came before a failure is read before it is told', async () => {
  const { source, read, disposed } = rig();
  source.push('a');
  await turn();
  source.destroy(new Error('reset'));
  expect(await read()).toBe('a');
  await expect(read()).rejects.toThrow('explained');
  expect(disposed()).toBe(1);
});

test('a connection that closes in mid-answer is a failure', async () => {
  const { source, read } = rig();
  const waiting = read();
  source.destroy();
  await expect(waiting).rejects.toThrow('explained');
});

test('a reader that stops early ends the connection', async () => {
  const { source, reader, read, disposed } = rig();
  source.push('a');
  await read();
  await reader.return?.();
  expect(source.destroyed).toBe(true);
  expect(await read()).toBeUndefined();
  expect(disposed()).toBe(1);
});
