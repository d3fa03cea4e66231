import { expect, test } from 'vitest';
import { type Millis, millis } from '../../src/lib/time.ts';
import type { DumpMessage } from '../../src/proto/rtnetlink/netlink.ts';
import { createKernelTable } from './kernel-table.ts';

type Message = DumpMessage | { readonly type: 'lost' };

const at = (ms: number): Millis => millis(ms);
const done = (sequence: number, errno = 0): Message => ({ type: 'done', sequence, errno });
const lost: Message = { type: 'lost' };

/** A table of names that has read these by its first dump, at time 0. A text stands for the name of an object. */
const tableOf = (...first: readonly string[]) => {
  const table = createKernelTable<string, string>();
  const tell = (...messages: readonly (Message | string)[]): void => {
    for (const each of messages) {
      if (typeof each === 'string') table.set(each, each);
      else table.apply(each);
    }
  };
  const names = (): string[] => [...table.values()];
  expect(table.takeRequest(at(0))).toBe(1);
  tell(...first, done(1));
  return { table, tell, names };
};

test('the table follows the kernel, and is complete with the end of the first dump', () => {
  const table = createKernelTable<number, string>();
  const values = (): string[] => [...table.values()];
  expect(table.takeRequest(at(0))).toBe(1);
  table.set(2, 'eth0');
  expect(table.isComplete()).toBe(false);
  table.apply(done(1));
  expect([table.isComplete(), values()]).toEqual([true, ['eth0']]);
  expect(table.takeRequest(at(100_000))).toBeUndefined();
  expect(table.nextDeadline()).toBe(Infinity);
  table.set(2, 'lan0');
  table.set(3, 'eth1');
  expect(values()).toEqual(['lan0', 'eth1']);
  table.delete(2);
  expect(values()).toEqual(['eth1']);
});

test('after lost messages a new dump removes what it does not name, and nothing earlier', () => {
  const { table, tell, names } = tableOf('eth0', 'eth1');
  tell(lost);
  expect(table.takeRequest(at(1000))).toBe(2);
  tell('eth1');
  expect(names()).toEqual(['eth0', 'eth1']);
  tell(done(2));
  expect(names()).toEqual(['eth1']);
});

test('what is lost during a dump makes another one, and only that one removes anything', () => {
  const { table, tell, names } = tableOf('eth0', 'eth1');
  tell(lost);
  expect(table.takeRequest(at(1000))).toBe(2);
  tell('eth0', lost); // eth1 may have been in what was lost
  expect(table.takeRequest(at(2000))).toBe(3);
  tell({ type: 'error', sequence: 3, errno: 16 }, done(2)); // the kernel runs one dump at a time
  expect(names()).toEqual(['eth0', 'eth1']);
  expect(table.takeRequest(at(3000))).toBe(4);
  tell('eth1', done(4));
  expect(names()).toEqual(['eth1']);
  expect(table.takeRequest(at(100_000))).toBeUndefined();
});

test('the end of an earlier dump says nothing about a later one', () => {
  const { table, tell, names } = tableOf('eth0', 'eth1');
  tell(lost);
  table.takeRequest(at(1000));
  tell(lost);
  table.takeRequest(at(2000));
  tell(done(2));
  expect(names()).toEqual(['eth0', 'eth1']);
  tell('eth0', done(3));
  expect(names()).toEqual(['eth0']);
});

test.each<[string, readonly Message[]]>([
  ['is interrupted', [{ type: 'interrupted', sequence: 2 }, done(2)]],
  ['ends with an error', [done(2, 12)]],
  ['is refused', [{ type: 'error', sequence: 2, errno: 12 }]],
])('a dump that %s removes nothing and is tried again', (_, messages) => {
  const { table, tell, names } = tableOf('eth0', 'eth1');
  tell(lost);
  expect(table.takeRequest(at(1000))).toBe(2);
  tell(...messages);
  expect(names()).toEqual(['eth0', 'eth1']);
  expect(table.takeRequest(at(2000))).toBe(3);
});

test('dumps are not asked for in a rush, and one that does not come is asked for again', () => {
  const { table, tell } = tableOf('eth0');
  tell(lost);
  expect(table.takeRequest(at(99))).toBeUndefined();
  expect(table.takeRequest(at(100))).toBe(2);
  expect(table.takeRequest(at(5099))).toBeUndefined();
  expect(table.takeRequest(at(5100))).toBe(3);
});

test('a first dump that was interrupted serves until the next', () => {
  const table = createKernelTable<number, string>();
  table.takeRequest(at(0));
  table.set(2, 'eth0');
  table.apply({ type: 'interrupted', sequence: 1 });
  table.apply(done(1));
  expect(table.isComplete()).toBe(true);
  expect(table.takeRequest(at(100))).toBe(2);
});
