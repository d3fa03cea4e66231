import { EventEmitter } from 'node:events';
import { openSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { startResponder } from './client.ts';
import type { ResponderCommand, ResponderData, ResponderReport } from './messages.ts';

/** A thread that does nothing: what it is told is kept, what it would say is emitted. */
class MemoryThread extends EventEmitter {
  readonly told: (readonly ResponderCommand[])[] = [];
  readonly beats: Int32Array<SharedArrayBuffer>;

  constructor({ beats }: ResponderData) {
    super();
    this.beats = new Int32Array(beats);
  }

  postMessage(batch: readonly ResponderCommand[]): void {
    this.told.push(batch);
  }
}

/** What takes the wakes. */
const nullFd = openSync('/dev/null', 'w');

const options = { node: 'n1', excluded: [], beaconPort: 7947, secret: undefined, isProbing: true };
const start = () => {
  const clock = fakeClock();
  let thread: MemoryThread | undefined;
  const responder = startResponder(options, (data) => (thread = new MemoryThread(data)), clock);
  return { thread: thread!, responder, clock };
};
const interfaces = (...names: readonly string[]): ResponderReport => ({ type: 'interfaces', names });
const awake = (isWatchCurrent: boolean): ResponderCommand => ({ type: 'mainAwake', isWatchCurrent });

test('a report that comes before anybody listens is kept for the first who does', () => {
  const { thread, responder } = start();
  thread.emit('message', interfaces('eth0'));
  const reports: ResponderReport[] = [];
  responder.onReport((report) => reports.push(report));
  thread.emit('message', interfaces());
  expect(reports).toEqual([interfaces('eth0'), interfaces()]);
  void responder.stop();
  thread.emit('exit');
});

test('a thread that fails is told once, with the cause', () => {
  const { thread } = start();
  const cause = new Error('socket: EPERM');
  thread.emit('error', cause);
  let thrown: unknown;
  try {
    thread.emit('exit');
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toEqual(new Error('the responder thread failed', { cause }));
});

test('a thread that ends by itself is told, one that was asked to is not', async () => {
  const { thread } = start();
  expect(() => thread.emit('exit')).toThrow('the responder thread ended by itself');
  const { thread: other, responder } = start();
  const stopped = responder.stop();
  other.emit('exit');
  await stopped;
  expect(other.told).toEqual([[awake(false), { type: 'stop' }]]);
});

test('what is ordered in one turn goes as one batch, and nothing after the end', async () => {
  const { thread, responder } = start();
  const key = '198.18.1.7' as Ip;
  const group = { key, addresses: [], candidates: ['n1'], policy: 'sticky', revision: 1 } as const;
  responder.members([], true);
  responder.groups([group], []);
  await Promise.resolve();
  void responder.stop();
  responder.handOver('all', undefined);
  thread.emit('exit');
  await Promise.resolve();
  expect(thread.told).toEqual([
    [
      awake(false),
      { type: 'members', members: [], isComplete: true },
      { type: 'groups', changed: [group], removed: [] },
    ],
    [{ type: 'stop' }],
  ]);
});

test('the thread hears each second that the main thread lives, and at once whether its watches are current', async () => {
  const { thread, responder, clock } = start();
  await clock.advanceAsync(seconds(2));
  expect(thread.told).toEqual([[awake(false)], [awake(false)], [awake(false)]]);
  responder.watchCurrent(true);
  responder.watchCurrent(true);
  await Promise.resolve();
  expect(thread.told.slice(3)).toEqual([[awake(true)]]);
  await clock.advanceAsync(seconds(1));
  expect(thread.told.slice(4)).toEqual([[awake(true)]]);
});

test('a thread that has started and then does nothing for five seconds is told', () => {
  const { thread, clock } = start();
  clock.advance(seconds(30)); // it may take its time to start
  thread.emit('message', { type: 'started', wakeFd: nullFd });
  for (let second = 0; second < 30; second++) {
    thread.beats[0]! += 1;
    clock.advance(seconds(1));
  }
  clock.advance(seconds(4));
  expect(() => clock.advance(seconds(1))).toThrow('the responder thread stands still');
});

test('a main thread that itself stood still does not blame the other', () => {
  const { thread, clock } = start();
  thread.emit('message', { type: 'started', wakeFd: nullFd });
  clock.advance(seconds(4));
  clock.standStill(seconds(60));
  thread.beats[0]! += 1;
  expect(() => clock.advance(seconds(4))).not.toThrow();
});

test('leaving is over when the thread says that nothing is answered any more', async () => {
  const { thread, responder } = start();
  const left = responder.leave(millis(1500));
  await Promise.resolve();
  expect(thread.told).toEqual([[awake(false), { type: 'leave', within: 1500 }]]);
  thread.emit('message', { type: 'ownership', reports: [{ type: 'ended' }] });
  await left;
});
