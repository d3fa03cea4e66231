import { expect, test } from 'vitest';
import { createBroadcasts } from './broadcasts.ts';

test('gossip: the newest about each, what was sent least first, as much as fits, and so often', () => {
  const queue = createBroadcasts();
  const message = (mark: number, length = 50): Uint8Array => new Uint8Array(length).fill(mark);
  const take = (room: number, most = 10): readonly (number | undefined)[] =>
    queue.take(room, 2, most, 3).map((each) => each[0]);
  queue.add('a', message(1));
  queue.add('b', message(2));
  queue.add('a', message(3));
  expect(take(110)).toEqual([2, 3]);
  queue.add('c', message(4, 80));
  expect(take(100)).toEqual([4]); // 18 octets are left, too few for another
  queue.add('d', message(5, 80));
  expect(take(70)).toEqual([2]); // the new one does not fit
  expect(take(1000, 2)).toEqual([5, 3]);
  expect(take(1000)).toEqual([4, 5, 2, 3]); // sent once, then sent twice: the latter are dropped
  expect(take(1000)).toEqual([4, 5]);
  expect([take(1000), queue.size()]).toEqual([[], 0]);
});
