import type { DeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Millis } from '../../lib/time.ts';

/** Acts on every key that is due; one that is set again by that must be set later than now. */
export const forEachDue = <Key>(deadlines: DeadlineQueue<Key>, now: Millis, act: (key: Key) => void): void => {
  for (let key = deadlines.takeDue(now); key !== undefined; key = deadlines.takeDue(now)) act(key);
};
