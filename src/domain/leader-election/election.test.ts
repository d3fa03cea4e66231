import { expect, test } from 'vitest';
import { millis, seconds } from '../../lib/time.ts';
import { type ElectionEvent, leadsUntil, newElection, nextDeadline, stepElection } from './election.ts';
import type { LeaseView } from './lease.ts';

const settings = {
  identity: 'me',
  duration: seconds(4),
  renewEvery: seconds(1),
  margin: millis(250),
  retry: { first: millis(250), longest: seconds(1) },
};

const lease = (holder: string, version: number, transitions = 1): LeaseView => ({
  uid: 'u1',
  resourceVersion: `${version}`,
  record: { holder, durationSeconds: 4, acquireTime: 'x', renewTime: `t${version}`, transitions },
});

/** A candidate whose effects are told as short lines. */
const rig = () => {
  let election = newElection(settings, millis(0));
  const feed = (at: number, event: ElectionEvent): readonly string[] => {
    const step = stepElection(election, event, millis(at), 0);
    election = step.election;
    return step.effects.map((effect) => {
      if (effect.type === 'write') return `${effect.change} on ${effect.base?.resourceVersion ?? 'none'}`;
      if (effect.type !== 'leadershipChanged') return effect.type;
      if (!effect.isLeader) return 'lead no more';
      return effect.othersHeldIt ? 'lead, others held it' : 'lead';
    });
  };
  const answer = (at: number, view: LeaseView | undefined): readonly string[] =>
    feed(at, { type: 'answered', lease: view });
  const due = (at: number): readonly string[] => feed(at, { type: 'timerDue' });
  const wake = (): number | undefined => nextDeadline(election);
  const until = (): number | undefined => leadsUntil(election);
  return { feed, answer, due, wake, until };
};

/** One that leads: its renewal that made version 11 was sent at 1000 ms. */
const leader = () => {
  const candidate = rig();
  candidate.due(0);
  candidate.answer(1000, lease('', 10));
  candidate.answer(1020, lease('me', 11));
  return candidate;
};

test('a lease that does not exist is made at once', () => {
  const { answer, due, until, wake } = rig();
  expect(due(0)).toEqual(['read']);
  expect(answer(10, undefined)).toEqual(['acquire on none']);
  expect(answer(25, lease('me', 1, 0))).toEqual(['lead, others held it']);
  // From the sending, less the margin.
  expect(until()).toBe(10 + 4000 - 250);
  expect(wake()).toBe(1010);
});

test('a lease of another is taken when it has not changed for its duration, from when it was seen', () => {
  const { answer, due, feed, wake } = rig();
  due(0);
  expect(answer(10, lease('other', 5))).toEqual([]);
  expect(wake()).toBe(4010);
  expect(feed(900, { type: 'observed', lease: lease('other', 6) })).toEqual([]);
  expect(feed(1000, { type: 'observed', lease: lease('other', 6) })).toEqual([]);
  expect(due(4899)).toEqual([]);
  expect(wake()).toBe(4900);
  expect(due(4900)).toEqual(['acquire on 6']);
  expect(answer(4910, lease('me', 7, 2))).toEqual(['lead, others held it']);
});

test('a lease that is given back is taken at once, also in a pause after a failure', () => {
  const { answer, due, feed } = rig();
  due(0);
  answer(10, lease('other', 5));
  due(4010);
  expect(feed(4015, { type: 'failed' })).toEqual([]);
  expect(feed(4020, { type: 'observed', lease: lease('', 6) })).toEqual(['acquire on 6']);
});

test('a leader renews every second, and each renewal counts from its sending', () => {
  const { answer, due, until } = leader();
  expect(until()).toBe(1000 + 3750);
  expect(due(2000)).toEqual(['renew on 11']);
  expect(until()).toBe(4750);
  expect(answer(2900, lease('me', 12))).toEqual([]);
  expect(until()).toBe(5750);
  expect(due(3000)).toEqual(['renew on 12']);
});

test('a leader that cannot renew ends in time, tries on, and leads again without anybody in between', () => {
  const { answer, due, feed, until, wake } = leader();
  const attempts: number[] = [];
  while ((wake() ?? Infinity) < 4750) {
    const at = wake() ?? 0;
    expect(due(at)).toEqual(['renew on 11']);
    attempts.push(at);
    feed(at + 1, { type: 'failed' });
  }
  expect(attempts).toEqual([2000, 2125, 2375, 2875, 3375, 3875, 4375]);
  expect(wake()).toBe(4750);
  expect(due(4750)).toEqual(['lead no more']);
  expect(due(4875)).toEqual(['renew on 11']);
  expect(answer(4890, lease('me', 12))).toEqual(['lead']);
  expect(until()).toBe(4875 + 3750);
});

test('a renewal whose answer was lost is found by reading, and counts from the first that it can have been', () => {
  const { answer, due, feed, until } = leader();
  due(2000);
  expect(feed(2500, { type: 'failed' })).toEqual(['renew on 11']);
  expect(feed(2510, { type: 'overtaken' })).toEqual(['read']);
  expect(answer(2520, lease('me', 12))).toEqual([]);
  expect(until()).toBe(2000 + 3750);
  // Nobody can write on the old version any more: from here on it is as ever.
  expect(due(3000)).toEqual(['renew on 12']);
  expect(answer(3010, lease('me', 13))).toEqual([]);
  expect(until()).toBe(3000 + 3750);
});

test('a refused renewal does not count, when somebody has only labelled the lease', () => {
  const { answer, due, feed, until } = leader();
  due(2000);
  expect(feed(2010, { type: 'overtaken' })).toEqual(['read']);
  const { record, uid } = lease('me', 11);
  expect(answer(2020, { uid, resourceVersion: '12', record })).toEqual(['renew on 12']);
  expect(until()).toBe(4750);
  // Nor does one without an answer.
  expect(feed(2400, { type: 'failed' })).toEqual(['renew on 12']);
  expect(feed(2410, { type: 'overtaken' })).toEqual(['read']);
  expect(answer(2420, { uid, resourceVersion: '13', record })).toEqual(['renew on 13']);
  expect(until()).toBe(4750);
});

test('a leader that finds another in the lease ends at once', () => {
  const { answer, due, feed, until, wake } = leader();
  due(2000);
  expect(feed(2010, { type: 'overtaken' })).toEqual(['read']);
  expect(answer(2020, lease('other', 12, 2))).toEqual(['lead no more']);
  expect(until()).toBeUndefined();
  expect(wake()).toBe(6020);
});

test('an acquisition whose answer was lost is found by reading', () => {
  const { answer, due, feed } = rig();
  due(0);
  answer(10, lease('', 10));
  expect(feed(510, { type: 'failed' })).toEqual(['acquire on 10']);
  feed(520, { type: 'overtaken' });
  expect(answer(530, lease('me', 11, 2))).toEqual(['lead, others held it']);
});

test('an answer that comes when the time is over makes no leader, and the next renewal does', () => {
  const { answer, due, feed } = leader();
  due(2000);
  // The process stood still: the answer comes before the timer.
  expect(answer(9000, lease('me', 12))).toEqual(['lead no more', 'renew on 12']);
  expect(answer(9010, lease('me', 13))).toEqual(['lead']);
  expect(feed(9020, { type: 'observed', lease: lease('other', 5) })).toEqual([]);
});

test('after the process stood still, an answer that is in time leads anew, and that is told', () => {
  const { answer, due } = leader();
  due(4700);
  expect(answer(4800, lease('me', 12))).toEqual(['lead no more', 'lead']);
});

test('a watch that lags does not speak for the lease while a call is under way, or while it is ours', () => {
  const { answer, due, feed, until } = rig();
  due(0);
  expect(feed(5, { type: 'observed', lease: lease('', 9) })).toEqual([]);
  answer(10, lease('', 10));
  expect(feed(15, { type: 'observed', lease: lease('other', 9) })).toEqual([]);
  answer(20, lease('me', 11));
  expect(feed(25, { type: 'observed', lease: lease('', 10) })).toEqual([]);
  expect(until()).toBe(10 + 3750);
});

test('a standby waits until the holder of a deleted lease must have ended; the holder makes it anew at once', () => {
  const standby = rig();
  standby.due(0);
  standby.answer(10, lease('other', 5));
  expect(standby.feed(1000, { type: 'observed', lease: undefined })).toEqual([]);
  expect(standby.wake()).toBe(5000);
  expect(standby.due(5000)).toEqual(['acquire on none']);

  const holder = leader();
  holder.due(2000);
  holder.feed(2010, { type: 'overtaken' });
  expect(holder.answer(2020, undefined)).toEqual(['lead no more', 'acquire on none']);
  expect(holder.answer(2030, lease('me', 20))).toEqual(['lead, others held it']);
});

test('who leaves gives the lease back when the renewal under way has ended, and leads no more at once', () => {
  const { answer, due, feed, until } = leader();
  due(2000);
  expect(feed(2005, { type: 'leave' })).toEqual(['lead no more']);
  expect(until()).toBeUndefined();
  expect(answer(2010, lease('me', 12))).toEqual(['release on 12']);
  expect(answer(2020, lease('', 13))).toEqual(['left']);
  expect(due(9000)).toEqual([]);
});

test('who leaves looks whether a write without an answer has made the lease its own', () => {
  const { answer, due, feed } = rig();
  due(0);
  answer(10, lease('', 10));
  expect(feed(15, { type: 'leave' })).toEqual([]);
  expect(feed(2510, { type: 'failed' })).toEqual(['read']);
  expect(answer(2520, lease('me', 11))).toEqual(['release on 11']);
  expect(feed(2530, { type: 'overtaken' })).toEqual(['read']);
  expect(answer(2540, lease('other', 12))).toEqual(['left']);
});

test('a standby leaves without a call; a leader tries to give the lease back until it is told otherwise', () => {
  const standby = rig();
  standby.due(0);
  standby.answer(10, lease('other', 5));
  expect(standby.feed(20, { type: 'leave' })).toEqual(['left']);

  const { answer, feed, due } = leader();
  expect(feed(1500, { type: 'leave' })).toEqual(['lead no more', 'release on 11']);
  expect(feed(1501, { type: 'failed' })).toEqual([]);
  expect(due(1625)).toEqual(['read']);
  expect(answer(1630, lease('me', 11))).toEqual(['release on 11']);
  expect(answer(1640, lease('', 12))).toEqual(['left']);
});

test('a server that refuses every write is asked with pauses that grow to a second', () => {
  const { answer, due, feed, wake } = rig();
  due(0);
  answer(0, undefined);
  const times: number[] = [];
  for (let round = 0; round < 6; round++) {
    const at = wake() ?? 0;
    if (round > 0) expect(due(at)).toEqual(['acquire on none']);
    times.push(at);
    expect(feed(at, { type: 'overtaken' })).toEqual(['read']);
    expect(answer(at, undefined)).toEqual([]);
  }
  expect(times).toEqual([0, 125, 375, 875, 1375, 1875]);
});

test('the pause that the server asks for is kept', () => {
  const { due, feed, wake } = rig();
  due(0);
  feed(10, { type: 'failed', retryAfter: seconds(3) });
  expect(wake()).toBe(3010);
});
