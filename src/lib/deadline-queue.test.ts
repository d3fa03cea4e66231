import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDeadlineQueue } from './deadline-queue.ts';
import { millis } from './time.ts';

test('keys come out in the order of their deadlines, and none before', () => {
  const queue = createDeadlineQueue<string>();
  queue.set('b', millis(20));
  queue.set('a', millis(10));
  expect(queue.next()).toBe(10);
  expect(queue.takeDue(millis(9))).toBeUndefined();
  expect([queue.takeDue(millis(20)), queue.takeDue(millis(20)), queue.takeDue(millis(20))]).toEqual([
    'a',
    'b',
    undefined,
  ]);
  expect(queue.next()).toBeUndefined();
});

test('the queue does what a table that is searched does', () => {
  const action = fc.record({
    type: fc.constantFrom('set', 'set', 'set', 'delete', 'take' as const),
    key: fc.nat(12),
    at: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const queue = createDeadlineQueue<number>();
      const twin = new Map<number, number>();
      for (const { type, key, at } of actions) {
        const earliest = twin.size === 0 ? undefined : Math.min(...twin.values());
        expect(queue.next()).toBe(earliest);
        if (type === 'set') {
          queue.set(key, millis(at));
          twin.set(key, at);
        } else if (type === 'delete') {
          queue.delete(key);
          twin.delete(key);
        } else {
          const due = queue.takeDue(millis(at));
          if (earliest === undefined || earliest > at) expect(due).toBeUndefined();
          else {
            expect(twin.get(due!)).toBe(earliest);
            twin.delete(due!);
          }
        }
      }
    }),
  );
});
