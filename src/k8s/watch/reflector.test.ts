import { expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { body, event, object, page, reflectorRig } from '../../../test/support/reflector-rig.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import { millis, seconds } from '../../lib/time.ts';
import { ApiError, ApiUnreachable } from '../client/api.ts';
import { createReflector } from './reflector.ts';

test('the collection is listed in pages, then watched from the version of the list', async () => {
  const { answers, lists, watches, reflector, start, told } = reflectorRig();
  answers.unshift(page('9', [object('a', 1, '3')], 'next'), page('9', [object('b', 2, '4')]));
  await start();
  await reflector.synced;
  expect(lists.map(({ path, query }) => [path, query])).toEqual([
    ['/api/v1/things', { labelSelector: 'a=b', fieldSelector: undefined, limit: 500, continue: undefined }],
    ['/api/v1/things', { labelSelector: 'a=b', fieldSelector: undefined, limit: 500, continue: 'next' }],
  ]);
  expect(watches.map(({ query }) => query)).toEqual([
    {
      labelSelector: 'a=b',
      fieldSelector: undefined,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '9',
      timeoutSeconds: 300,
    },
  ]);
  expect(told()).toEqual([
    ['added', 'a'],
    ['added', 'b'],
  ]);
  expect(reflector.get('b')).toEqual({ name: 'b', value: 2, resourceVersion: '4' });
});

test('events change the copy', async () => {
  const { watch, reflector, start, told } = reflectorRig();
  await start();
  await watch().send(event('ADDED', object('a', 1, '11')) + event('MODIFIED', object('a', 2, '12')));
  await watch().send(event('MODIFIED', object('a', 2, '13')));
  expect(reflector.get('a')?.resourceVersion).toBe('13');
  await watch().send(event('MODIFIED', object('a', 'unwanted', '14')) + event('DELETED', object('a', 2, '15')));
  expect(told()).toEqual([
    ['added', 'a'],
    ['updated', 'a', true],
    ['updated', 'a', false],
    ['deleted', 'a'],
  ]);
  expect(reflector.size()).toBe(0);
});

test('an event in two chunks counts when it is whole', async () => {
  const { watch, start, told } = reflectorRig();
  await start();
  const line = event('ADDED', object('ä', 1, '11'));
  const octets = new TextEncoder().encode(line);
  await watch().send(octets.subarray(0, 41)); // inside the ä
  expect(told()).toEqual([]);
  await watch().send(octets.subarray(41));
  expect(told()).toEqual([['added', 'ä']]);
});

test('silence has a watch opened anew at once, and is nothing to worry about', async () => {
  const { clock, watches, lists, lines, start } = reflectorRig();
  await start();
  await clock.advanceAsync(seconds(149));
  expect(watches).toHaveLength(1);
  await clock.advanceAsync(seconds(1));
  expect(watches).toHaveLength(2);
  expect(lists).toHaveLength(1);
  expect(lines).toEqual([]);
});

test('a watch that the server ends is taken up from the last version, bookmarks included', async () => {
  const { clock, watch, watches, lists, start } = reflectorRig();
  await start();
  await watch().send(event('ADDED', object('a', 1, '11')));
  await watch().send(event('BOOKMARK', object('', undefined, '40')));
  await clock.advanceAsync(seconds(200));
  expect(watches).toHaveLength(2); // silence for 150 s had it opened again
  await watch().end();
  expect(watches).toHaveLength(3);
  expect(watch().query).toMatchObject({ resourceVersion: '40' });
  expect(lists).toHaveLength(1);
});

test('a watch cut in mid-object is taken up without the piece', async () => {
  const { clock, watch, watches, start, told } = reflectorRig();
  await start();
  await watch().send(`${event('ADDED', object('a', 1, '11'))}{"type":"ADDED","object":{"metadata":{"na`);
  await watch().end(new ApiUnreachable('reset', undefined));
  await clock.advanceAsync(millis(100));
  expect(watches).toHaveLength(2);
  expect(watch().query).toMatchObject({ resourceVersion: '11' });
  await watch().send(event('ADDED', object('b', 1, '12')));
  expect(told()).toEqual([
    ['added', 'a'],
    ['added', 'b'],
  ]);
});

test.each([
  [
    'refuses the watch',
    (r: ReturnType<typeof reflectorRig>) => r.refusals.push(new ApiError(410, 'Expired', 'too old')),
  ],
  [
    'sends the error as an event',
    (r: ReturnType<typeof reflectorRig>) =>
      r.watch().send(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })),
  ],
])('a version that is no longer kept means a new list, and its difference is told: server %s', async (_, expire) => {
  const rigged = reflectorRig();
  const { clock, answers, watch, watches, lists, start, told } = rigged;
  answers.unshift(page('10', [object('a', 1, '1'), object('b', 1, '2'), object('c', 1, '3')]));
  await start();
  told();
  answers.unshift(page('90', [object('b', 1, '2'), object('c', 2, '80'), object('d', 1, '81')]));
  const opened = watches.length;
  await expire(rigged);
  if (watches.length === opened && watch().isOpen()) await watch().end(new ApiUnreachable('reset', undefined));
  await clock.advanceAsync(seconds(1));
  expect(lists).toHaveLength(2);
  expect(told()).toEqual([
    ['updated', 'b', false],
    ['updated', 'c', true],
    ['added', 'd'],
    ['deleted', 'a'],
  ]);
  expect(watch().query).toMatchObject({ resourceVersion: '90' });
});

test('a list that breaks off deletes nothing, and starts anew', async () => {
  const { clock, answers, watch, lists, reflector, refusals, start, told } = reflectorRig();
  answers.unshift(page('10', [object('a', 1, '1'), object('b', 1, '2')]));
  await start();
  told();
  refusals.push(new ApiError(410, 'Expired', 'too old'));
  answers.unshift(
    page('20', [object('b', 2, '15')], 'next'),
    new ApiError(410, 'Expired', 'the continue token is too old'),
    page('30', [object('a', 1, '1'), object('b', 2, '15')]),
  );
  await watch().end(new ApiUnreachable('reset', undefined));
  await clock.advanceAsync(seconds(2));
  expect(lists.map(({ query }) => query?.['continue'])).toEqual([undefined, undefined, 'next', undefined]);
  expect(told()).toEqual([
    ['updated', 'b', true],
    ['updated', 'a', false],
    ['updated', 'b', false],
  ]);
  expect(reflector.size()).toBe(2);
});

test('a server that cannot be reached is asked again, later each time, never more than 10 s apart', async () => {
  const { clock, answers, lists, start } = reflectorRig(0.999);
  answers.splice(0, 1, new ApiUnreachable('down', undefined));
  await start();
  const gaps: number[] = [];
  for (let last = 0; gaps.length < 6;) {
    const asked = lists.length;
    while (lists.length === asked) await clock.advanceAsync(millis(100));
    gaps.push(clock.now() - last);
    last = clock.now();
  }
  expect(gaps).toEqual([300, 900, 2700, 8100, 10_000, 10_000]);
});

test('the pause that the server asks for is kept', async () => {
  const { clock, answers, lists, reflector, start } = reflectorRig();
  answers.unshift(new ApiError(429, 'TooManyRequests', 'slow down', seconds(5)));
  await start();
  await clock.advanceAsync(millis(4999));
  expect(lists).toHaveLength(1);
  await clock.advanceAsync(millis(1));
  expect(lists).toHaveLength(2);
  await reflector.synced;
});

test('a connection without a line for 150 s is given up', async () => {
  const { clock, watch, watches, start } = reflectorRig();
  await start();
  await clock.advanceAsync(seconds(149));
  await watch().send(event('BOOKMARK', object('', undefined, '20')));
  await clock.advanceAsync(seconds(149));
  expect(watches).toHaveLength(1);
  await clock.advanceAsync(seconds(2));
  expect(watches[0]?.isOpen()).toBe(false);
  expect(watches).toHaveLength(2);
  expect(watch().query).toMatchObject({ resourceVersion: '20' });
});

test('a server that ends every watch at once is not asked without a pause', async () => {
  const { clock, watch, watches, start, listeners } = reflectorRig();
  await start();
  for (let round = 0; round < 5; round++) {
    const before = watches.length;
    await watch().end();
    expect(watches).toHaveLength(before);
    await clock.advanceAsync(millis(100));
    expect(watches).toHaveLength(before + 1);
  }
  expect(listeners()).toBe(1); // of the watch that is open
});

test('a watch that breaks again and again is told once, and when one has lived for 5 s', async () => {
  const { clock, watch, start, lines } = reflectorRig();
  await start();
  for (let version = 11; version < 31; version++) {
    await watch().send(event('ADDED', object('a', version, `${version}`)));
    await watch().end(new ApiUnreachable(version % 2 === 0 ? 'reset' : 'aborted', undefined));
    await clock.advanceAsync(millis(100));
    expect(watch().isOpen()).toBe(true);
  }
  expect(lines).toEqual(['watch interrupted', 'watch interrupted']); // once for each reason
  await clock.advanceAsync(millis(4999));
  expect(lines).toHaveLength(2);
  await clock.advanceAsync(millis(1));
  expect(lines.slice(2)).toEqual(['watching again']);
  await watch().end(new ApiUnreachable('reset', undefined));
  expect(lines.slice(3)).toEqual(['watch interrupted']);
});

test('reasons that differ each time are told eight times', async () => {
  const { clock, refusals, watch, start, lines } = reflectorRig();
  await start();
  for (let n = 0; n < 20; n++) refusals.push(new ApiUnreachable(`down at ${n}`, undefined));
  await watch().end(new ApiUnreachable('reset', undefined));
  await clock.advanceAsync(seconds(60));
  expect(refusals).toEqual([]);
  expect(lines.filter((line) => line === 'watch interrupted')).toHaveLength(8);
});

test('the copy is current while it is watched, and not from a failure on until it is watched again', async () => {
  const { clock, reflector, watch, refusals, start } = reflectorRig();
  expect(reflector.isCurrent()).toBe(false);
  await start();
  expect(reflector.isCurrent()).toBe(true);
  await watch().end();
  expect(reflector.isCurrent()).toBe(false); // it had ended at once
  await clock.advanceAsync(seconds(10));
  await watch().end();
  expect(reflector.isCurrent()).toBe(true); // the next one is open
  refusals.push(new ApiUnreachable('refused', undefined), new ApiUnreachable('refused', undefined));
  await watch().end(new ApiUnreachable('reset', undefined));
  expect(reflector.isCurrent()).toBe(false);
  await clock.advanceAsync(seconds(10));
  expect(reflector.isCurrent()).toBe(true);
});

test('a version that is no longer kept is told when the list did not help', async () => {
  const { clock, refusals, watch, start, lines } = reflectorRig();
  const expired = new ApiError(410, 'Expired', 'too old');
  await start();
  await clock.advanceAsync(seconds(10));
  refusals.push(expired, expired);
  await watch().end();
  expect([refusals.length, lines]).toEqual([1, []]);
  await clock.advanceAsync(millis(100));
  expect([refusals.length, lines]).toEqual([0, ['watch interrupted']]);
});

test('a line that is no event is a broken connection', async () => {
  const { clock, watch, watches, start } = reflectorRig();
  await start();
  await watch().send('<html>\n');
  await clock.advanceAsync(millis(100));
  expect(watches).toHaveLength(2);
});

test('a list that stands still for 30 s is given up', async () => {
  const clock = fakeClock();
  let opened = 0;
  const reflector = createReflector({
    api: {
      request: () => Promise.reject(new Error('not here')),
      stream: ({ signal }) => {
        opened++;
        const { promise, reject } = Promise.withResolvers<never>();
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        return promise;
      },
      close: () => {},
    },
    clock,
    log: silentLog,
    path: '/x',
    project: () => 1,
    onChange: () => {},
    random: () => 0,
  });
  const ending = new AbortController();
  const running = reflector.run(ending.signal);
  await clock.advanceAsync(seconds(30));
  expect(opened).toBe(1);
  await clock.advanceAsync(millis(100));
  expect(opened).toBe(2);
  ending.abort();
  await running;
});

test('a relist reads what the server has now, although the watch has not told it yet', async () => {
  const { answers, lists, watch, watches, reflector, settle, start, told } = reflectorRig();
  answers.unshift(page('10', [object('a', 1, '1'), object('b', 1, '2')]));
  await start();
  told();
  answers.unshift(page('30', [object('a', 2, '25'), object('c', 1, '30')]));
  const before = watch();
  const seen: unknown[] = [];
  const relisted = reflector.relist().then(() => seen.push(...told()));
  await settle();
  await relisted;
  expect(seen).toEqual([
    ['updated', 'a', true],
    ['added', 'c'],
    ['deleted', 'b'],
  ]);
  expect(before.isOpen()).toBe(false);
  expect(lists).toHaveLength(2);
  expect(lists[1]?.query).not.toHaveProperty('resourceVersion');
  expect(watches).toHaveLength(2);
  expect(watch().query).toMatchObject({ resourceVersion: '30' });
  expect(watch().isOpen()).toBe(true);
});

test('a relist does not wait for the pause after a failure, and outlives failures of its own', async () => {
  const { clock, answers, refusals, watch, lists, reflector, settle, start } = reflectorRig();
  await start();
  refusals.push(new ApiError(429, 'TooManyRequests', 'slow down', seconds(10)));
  await watch().end(new ApiUnreachable('reset', undefined));
  await clock.advanceAsync(millis(100)); // refused, so it pauses for 10 s
  answers.unshift(new ApiUnreachable('down', undefined), page('40', []));
  let isDone = false;
  const relisted = reflector.relist().then(() => (isDone = true));
  await settle();
  expect(lists).toHaveLength(2);
  expect(isDone).toBe(false);
  await clock.advanceAsync(seconds(1));
  await relisted;
  expect(lists).toHaveLength(3);
});

test('while a relist waits, a server that cannot be reached is asked every second', async () => {
  const { clock, answers, watch, lists, reflector, start } = reflectorRig(0.999);
  await start();
  answers.splice(0, 1, new ApiUnreachable('down', undefined));
  void reflector.relist();
  await clock.advanceAsync(seconds(10));
  expect(lists).toHaveLength(12); // one before, one at once, then after 0.3, 0.9 and 1 s, 1 s…
  answers.splice(0, 1, page('40', []));
  await clock.advanceAsync(seconds(1));
  expect(watch().isOpen()).toBe(true);
});

test('a list that began before it is not enough for a relist', async () => {
  const { answers, lists, reflector, settle, start, told } = reflectorRig();
  answers.unshift(page('10', [object('a', 1, '1')], 'next'), page('10', []), page('20', [object('a', 2, '15')]));
  const starting = start();
  const relisted = reflector.relist();
  const again = reflector.relist();
  await starting;
  await settle();
  await Promise.all([relisted, again]);
  expect(reflector.get('a')?.value).toBe(2);
  expect(lists.at(-1)?.query).toMatchObject({ continue: undefined });
  expect(told().at(-1)).toEqual(['updated', 'a', true]);
});

test('an abort ends the run, whatever it does', async () => {
  const watching = reflectorRig();
  await watching.start();
  await watching.stop();
  expect(watching.watch().isOpen()).toBe(false);
  expect(watching.clock.pending()).toBe(0);

  const waiting = reflectorRig();
  waiting.answers.splice(0, 1, new ApiUnreachable('down', undefined));
  await waiting.start();
  await waiting.stop();
  expect(waiting.clock.pending()).toBe(0);
});

test('a fault of the callback ends the run instead of being retried', async () => {
  const clock = fakeClock();
  const reflector = createReflector({
    api: {
      request: () => Promise.reject(new Error('not here')),
      stream: () => Promise.resolve(body(page('1', [object('a', 1, '1')]))),
      close: () => {},
    },
    clock,
    log: silentLog,
    path: '/x',
    project: () => 1,
    onChange: () => {
      throw new TypeError('a fault');
    },
  });
  await expect(reflector.run(new AbortController().signal)).rejects.toThrow('a fault');
});
