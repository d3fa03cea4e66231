import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { startResponder } from './client.ts';
import type { ResponderReport } from './messages.ts';

/** A thread that does nothing: what it is told is kept, what it would say is emitted. */
class MemoryThread extends EventEmitter {
  readonly told: unknown[] = [];

  postMessage(message: unknown): void {
    this.told.push(message);
  }
}

const start = () => {
  const thread = new MemoryThread();
  return { thread, responder: startResponder({ excluded: [] }, () => thread) };
};
const interfaces = (...names: readonly string[]): ResponderReport => ({ type: 'interfaces', names });

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
  expect(other.told).toEqual([[{ type: 'stop' }]]);
});

test('what is ordered in one turn goes as one batch, and nothing after the end', async () => {
  const { thread, responder } = start();
  const ip = '198.18.1.7' as Ip;
  responder.announce(ip, ['eth0']);
  responder.withdraw(ip);
  await Promise.resolve();
  void responder.stop();
  responder.announce(ip, undefined);
  thread.emit('exit');
  await Promise.resolve();
  expect(thread.told).toEqual([
    [
      { type: 'announce', ip, interfaces: ['eth0'] },
      { type: 'withdraw', ip },
    ],
    [{ type: 'stop' }],
  ]);
});
