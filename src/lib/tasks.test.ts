import { expect, test } from 'vitest';
import { runTogether } from './tasks.ts';
import { untilAborted } from './time.ts';

test('all parts run until the signal aborts; one that has nothing more to do ends alone', async () => {
  const ending = new AbortController();
  const ended: string[] = [];
  const running = runTogether(ending.signal, (signal) => [
    Promise.resolve(),
    undefined,
    untilAborted(signal).then(() => void ended.push('long')),
  ]);
  await new Promise(setImmediate);
  expect(ended).toEqual([]);
  ending.abort();
  await running;
  expect(ended).toEqual(['long']);
});

test('one that fails ends the others, and its failure is told when they have ended', async () => {
  const ended: string[] = [];
  const running = runTogether(new AbortController().signal, (signal) => [
    untilAborted(signal).then(() => void ended.push('other')),
    Promise.reject(new Error('no')),
  ]);
  await expect(running).rejects.toThrow('no');
  expect(ended).toEqual(['other']);
});
