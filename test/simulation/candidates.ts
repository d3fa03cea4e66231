import {
  type Election,
  type ElectionEffect,
  type ElectionEvent,
  leadsUntil,
  newElection,
  nextDeadline,
  stepElection,
} from '../../src/domain/leader-election/election.ts';
import { isSameRecord, type LeaseChange, type LeaseView, nextRecord } from '../../src/domain/leader-election/lease.ts';
import { millis, type Millis, seconds } from '../../src/lib/time.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import type { Random, Story } from './random.ts';

/** As the driver has them: `src/k8s/leadership/leader-election.ts`. */
const settings = {
  duration: seconds(4),
  renewEvery: seconds(1),
  margin: millis(250),
  retry: { first: millis(250), longest: seconds(1) },
};
const callLimit = 2500;

/** How the world treats calls at the moment. */
export type Weather = {
  /** Chance that a call never arrives, or that its answer does not. */
  loss: number;
  /** Most milliseconds that a call or its answer is on its way. */
  delay: number;
  /** Chance that a way takes up to a second longer. */
  straggling: number;
  /** Answers every call with an error. */
  isDown: boolean;
  /** Takes calls, and serves them when it is over. */
  isStalled: boolean;
  watchDelay: number;
};

export const calm: Weather = {
  loss: 0,
  delay: 10,
  straggling: 0,
  isDown: false,
  isStalled: false,
  watchDelay: 10,
};

/** One process. Its clock starts anywhere and runs up to 500 ppm too fast or too slow. */
export type Candidate = {
  readonly identity: string;
  election: Election;
  /** A process that is stopped, or dead; the writes it began may still be under way. */
  state: 'running' | 'stopped' | 'dead';
  readonly localTime: () => Millis;
  /** How long writes may be under way, by the time of the world. */
  readonly leadsUntil: () => number;
  readonly feed: (event: ElectionEvent) => void;
  /** Lets a stopped process go on: what came meanwhile is taken in, in any order. */
  readonly resume: () => void;
  readonly kill: () => void;
};

export type ElectionWorld = {
  readonly clock: FakeClock;
  readonly weather: Weather;
  readonly candidates: readonly Candidate[];
  readonly add: () => Candidate;
  readonly leaders: () => readonly Candidate[];
  /** Ends a stall: whatever waits is served. */
  readonly endStall: () => void;
  /** Somebody deletes the Lease, or labels it, by hand. */
  readonly deleteLease: () => void;
  readonly labelLease: () => void;
  /** Advances and checks the promise at every step. */
  readonly advance: (delay: number) => void;
  readonly lease: () => LeaseView | undefined;
  /** Told whenever a candidate begins or ends to lead. */
  onLeadership: (candidate: Candidate, isLeader: boolean) => void;
};

/** An API server with one Lease, and candidates for it. Throws as soon as two could write. */
export const createElectionWorld = (random: Random, story: Story): ElectionWorld => {
  const clock = fakeClock();
  const weather: Weather = { ...calm };
  const candidates: Candidate[] = [];
  let lease: LeaseView | undefined;
  let version = 0;
  let stalled: (() => void)[] = [];
  /** Who took the lease, in order. */
  const acquirers: string[] = [];
  const watchers = new Set<(lease: LeaseView | undefined) => void>();

  const tell = (line: string): void => story.tell(`${(clock.now() / 1000).toFixed(3)} ${line}`);

  /** The promise: only who took the lease last may have writes under way. */
  const check = (): void => {
    for (const candidate of candidates) {
      const until = candidate.leadsUntil();
      if (clock.now() < until && acquirers.at(-1) !== candidate.identity) {
        throw new Error(
          `${candidate.identity} may write until ${(until / 1000).toFixed(3)}, but ${acquirers.at(-1)} took the lease`,
        );
      }
    }
  };

  const put = (next: LeaseView | undefined): LeaseView | undefined => {
    if (next !== undefined && lease !== undefined && isSameRecord(next.record, lease.record)) {
      tell('the lease is labelled');
    } else tell(`lease: ${next === undefined ? 'deleted' : `"${next.record.holder}" ${next.record.transitions}`}`);
    const holder = next?.record.holder;
    if (holder !== undefined && holder !== '' && (lease?.record.holder !== holder || acquirers.length === 0)) {
      if (acquirers.at(-1) !== holder) acquirers.push(holder);
    }
    lease = next;
    check();
    for (const watcher of watchers) watcher(next);
    return next;
  };

  /** What the API server does with a write. */
  const serveWrite = (
    identity: string,
    change: LeaseChange,
    base: LeaseView | undefined,
    wallTime: number,
  ): ElectionEvent => {
    if (lease?.resourceVersion !== base?.resourceVersion || lease?.uid !== base?.uid) return { type: 'overtaken' };
    const time = new Date(wallTime).toISOString().replace('Z', '000Z');
    const record = nextRecord(change, base?.record, { identity, durationSeconds: 4, time });
    version++;
    const uid = base?.uid ?? `uid-${version}`;
    return { type: 'answered', lease: put({ uid, resourceVersion: `${version}`, record }) };
  };

  const way = (): number =>
    random.next() * weather.delay + (random.chance(weather.straggling) ? random.next() * 1000 : 0);

  const add = (): Candidate => {
    const number = candidates.length;
    const rate = 1 + (random.next() - 0.5) / 1000;
    const offset = random.below(1_000_000);
    const localTime = (): Millis => millis(offset + clock.now() * rate);
    /** A wall clock that need not be right, and may stand still. */
    const wallOffset = random.below(3_600_000);
    const wallRate = random.pick([1, 1, 1, 0]);
    let waiting: (() => void)[] = [];
    let cancelAlarm = (): void => {};
    let acquirersWhenLeading = -1;

    /** Runs something in the process: at once, or when it goes on. */
    const inProcess = (action: () => void): void => {
      if (candidate.state === 'running') action();
      else if (candidate.state === 'stopped') waiting.push(action);
    };

    const call = (serve: () => ElectionEvent): void => {
      let isOver = false;
      const end = (event: ElectionEvent): void => {
        if (isOver) return;
        isOver = true;
        candidate.feed(event);
      };
      clock.after(millis(callLimit), () => inProcess(() => end({ type: 'failed' })));
      if (random.chance(weather.loss)) return;
      clock.after(millis(way()), () => {
        if (weather.isDown) {
          clock.after(millis(way()), () => inProcess(() => end({ type: 'failed' })));
          return;
        }
        const answer = (): void => {
          const event = serve();
          if (random.chance(weather.loss)) return;
          clock.after(millis(way()), () => inProcess(() => end(event)));
        };
        if (weather.isStalled) stalled.push(answer);
        else answer();
      });
    };

    const perform = (effect: ElectionEffect): void => {
      const wallTime = 1_700_000_000_000 + wallOffset + clock.now() * wallRate;
      if (effect.type === 'read') call(() => ({ type: 'answered', lease }));
      if (effect.type === 'write') {
        const send = (): void => call(() => serveWrite(candidate.identity, effect.change, effect.base, wallTime));
        // A process may be stopped between the decision and the sending.
        if (random.chance(0.02) && weather.delay > calm.delay) {
          tell(`${candidate.identity} is slow to send`);
          clock.after(millis(random.next() * 6000), () => inProcess(send));
        } else send();
      }
      if (effect.type === 'leadershipChanged') {
        tell(`${candidate.identity} ${effect.isLeader ? 'leads' : 'leads no more'}`);
        if (effect.isLeader) {
          const others = acquirers.slice(Math.max(0, acquirersWhenLeading)).some((one) => one !== candidate.identity);
          if (!effect.othersHeldIt && (others || acquirersWhenLeading < 0)) throw new Error('others led in between');
        }
        acquirersWhenLeading = acquirers.length;
        world.onLeadership(candidate, effect.isLeader);
      }
    };

    const candidate: Candidate = {
      identity: `c${number}`,
      election: newElection({ ...settings, identity: `c${number}` }, localTime()),
      state: 'running',
      localTime,
      leadsUntil: () => ((leadsUntil(candidate.election) ?? -Infinity) - offset) / rate,
      feed: (event) => {
        if (candidate.state !== 'running') return;
        const step = stepElection(candidate.election, event, localTime(), random.next());
        candidate.election = step.election;
        check();
        for (const effect of step.effects) perform(effect);
        cancelAlarm();
        const deadline = nextDeadline(candidate.election);
        if (deadline === undefined) return;
        const delay = Math.max(0, (deadline - localTime()) / rate);
        // A hair late, as real timers are; rounding must not have them fire before the deadline.
        cancelAlarm = clock.after(millis(delay + 0.01), () => inProcess(() => candidate.feed({ type: 'timerDue' })));
      },
      resume: () => {
        if (candidate.state !== 'stopped') return;
        candidate.state = 'running';
        tell(`${candidate.identity} goes on`);
        const came = waiting;
        waiting = [];
        while (came.length > 0) came.splice(random.below(came.length), 1)[0]?.();
      },
      kill: () => {
        candidate.state = 'dead';
        cancelAlarm();
        watchers.delete(watcher);
      },
    };
    /** In order, each after a delay; a standby alone watches. */
    let lastWatched = 0;
    const watcher = (seen: LeaseView | undefined): void => {
      lastWatched = Math.max(lastWatched, clock.now() + random.next() * weather.watchDelay);
      clock.after(millis(lastWatched - clock.now()), () =>
        inProcess(() => {
          if (!candidate.election.isLeader) candidate.feed({ type: 'observed', lease: seen });
        }),
      );
    };
    watchers.add(watcher);
    candidates.push(candidate);
    tell(`${candidate.identity} starts`);
    candidate.feed({ type: 'timerDue' });
    return candidate;
  };

  const world: ElectionWorld = {
    clock,
    weather,
    candidates,
    add,
    leaders: () => candidates.filter((candidate) => clock.now() < candidate.leadsUntil()),
    endStall: () => {
      weather.isStalled = false;
      const waiting = stalled;
      stalled = [];
      for (const serve of waiting) serve();
    },
    deleteLease: () => {
      if (lease !== undefined) put(undefined);
    },
    labelLease: () => {
      version++;
      if (lease !== undefined) put({ ...lease, resourceVersion: `${version}` });
    },
    advance: (delay) => {
      clock.advance(millis(delay));
      check();
    },
    lease: () => lease,
    onLeadership: () => {},
  };
  return world;
};
