import {
  type ElectionEffect,
  type ElectionEvent,
  leadsUntil,
  newElection,
  nextDeadline,
  stepElection,
} from '../../domain/leader-election/election.ts';
import { type LeaseChange, type LeaseRecord, type LeaseView, nextRecord } from '../../domain/leader-election/lease.ts';
import { filled, object, text } from '../../lib/json.ts';
import { createListeners } from '../../lib/listeners.ts';
import type { Log } from '../../lib/log.ts';
import { type Clock, millis, type Millis, seconds, untilAborted, type WallTime, within } from '../../lib/time.ts';
import { type Api, ApiError, ApiUnreachable, isAlreadyExists, isConflict, isNotFound } from '../client/api.ts';
import { createReflector } from '../watch/reflector.ts';
import { collectionPath, objectPath, resources } from '../resources.ts';

/** Whether this replica is the one that works. */
export type Leadership = {
  /**
   * For how long from now on writes may still be under way; 0: none may begin. Read from the clock at each call, so that
   * it is right also after the process stood still. A system that slept is another matter: its monotonic clock did, too.
   */
  readonly validFor: () => Millis;
  readonly isLeader: () => boolean;
  /** Tells every change from now on, until the returned function is called. */
  readonly onChange: (listener: (change: LeadershipChange) => void) => () => void;
};

export type LeadershipChange = {
  readonly isLeader: boolean;
  /** With `isLeader`: whether another can have written since we led last. */
  readonly othersHeldIt: boolean;
};

/** Of a replica that has no other beside it. */
export const soleLeader: Leadership = {
  validFor: () => millis(Infinity),
  isLeader: () => true,
  onChange: () => () => {},
};

export type LeaderElectionOptions = {
  readonly api: Api;
  readonly clock: Clock;
  /** For people who read the Lease. */
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** No other process has the same, a former one of the same pod included. */
  readonly identity: string;
  /** Jitter: a number in [0, 1). */
  readonly random: () => number;
};

export type LeaderElection = {
  /** Takes part until it has released or `signal` aborts; then the lease runs out by itself. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Leads no more, and gives the lease back, so that another takes it at once. Its owner has ended its writes before. */
  readonly release: () => Promise<void>;
  readonly leadership: Leadership;
};

/**
 * A killed leader is replaced after `duration`, counted from its last renewal. A leader that cannot renew stops before:
 * three renewals in a row may fail.
 */
const duration = seconds(4);
const settings = {
  duration,
  renewEvery: seconds(1),
  // Linux slews clocks by at most 500 ppm: 2 ms in that time. The rest is for timers that are late.
  margin: millis(250),
  retry: { first: millis(250), longest: seconds(1) },
};

/** A server that takes longer for the Lease cannot be led by it. */
const callLimit = millis(2500);

/** How long giving back may take; then the lease runs out by itself. */
export const releaseLimit = millis(1500);

/**
 * Elects one of several replicas by a Lease (`src/domain/leader-election`). A standby watches the Lease, a leader only
 * renews it. Needs the rights to create Leases, and to get, list, watch and patch the one.
 */
export const createLeaderElection = (options: LeaderElectionOptions): LeaderElection => {
  const { api, clock, wallTime, namespace, name, identity, random } = options;
  const log = options.log.child({ lease: `${namespace}/${name}` });
  const listeners = createListeners<LeadershipChange>();
  const left = Promise.withResolvers<void>();
  const fault = Promise.withResolvers<never>();
  fault.promise.catch(() => {}); // `run` tells it
  const ending = new AbortController();
  let election = newElection({ ...settings, identity }, clock.now());
  let cancelAlarm = (): void => {};
  let told: string | undefined;

  const feed = (event: ElectionEvent): void => {
    if (ending.signal.aborted) return;
    const holder = election.lease?.record.holder;
    const step = stepElection(election, event, clock.now(), random());
    election = step.election;
    const next = election.lease?.record.holder;
    if (next !== holder && next !== identity && next) log.info('another replica leads', { holder: next });
    for (const effect of step.effects) perform(effect);
    watch.setWanted(!election.isLeader && election.phase === 'running');
    cancelAlarm();
    const deadline = nextDeadline(election);
    if (deadline === undefined) return;
    cancelAlarm = clock.after(millis(Math.max(0, deadline - clock.now())), () => feed({ type: 'timerDue' }));
  };

  const perform = (effect: ElectionEffect): void => {
    switch (effect.type) {
      case 'read':
        return call(async () => read());
      case 'write':
        return call(async () => write(effect.change, effect.base));
      case 'left':
        return left.resolve();
      case 'leadershipChanged': {
        const { isLeader, othersHeldIt } = effect;
        log.info(isLeader ? 'this replica leads' : 'this replica leads no more', { identity });
        return listeners.tell({ isLeader, othersHeldIt });
      }
    }
  };

  /** Makes one call and feeds what came of it. */
  const call = (send: () => Promise<LeaseView | undefined>): void => {
    const feedAnswer = async (): Promise<void> => {
      try {
        feed({ type: 'answered', lease: await send() });
        told = undefined;
      } catch (error) {
        if (ending.signal.aborted) return;
        if (!(error instanceof ApiError || error instanceof ApiUnreachable)) throw error; // a fault of ours
        if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) feed({ type: 'overtaken' });
        else {
          log[error.message === told ? 'debug' : 'warn']('lease not reached', { error });
          told = error.message;
          feed({ type: 'failed', retryAfter: error instanceof ApiError ? error.retryAfter : undefined });
        }
      }
    };
    feedAnswer().catch(fault.reject);
  };
  const path = objectPath(resources.leases, namespace, name);
  const limits = { signal: ending.signal, deadline: callLimit };

  const read = async (): Promise<LeaseView | undefined> => {
    try {
      return projectLease(await api.request({ path, ...limits }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };

  const write = async (change: LeaseChange, base: LeaseView | undefined): Promise<LeaseView | undefined> => {
    const time = new Date(wallTime()).toISOString().replace('Z', '000Z'); // six digits, or the API refuses it
    const durationSeconds = duration / 1000;
    const spec = leaseSpec(nextRecord(change, base?.record, { identity, durationSeconds, time }));
    const { apiVersion, kind } = resources.leases;
    const request =
      base === undefined
        ? ({
            method: 'POST',
            path: collectionPath(resources.leases, namespace),
            body: { apiVersion, kind, metadata: { namespace, name }, spec },
          } as const)
        : // With the version: refused if anybody has written in between. A patch keeps labels and annotations.
          ({
            method: 'PATCH',
            path,
            body: { metadata: { uid: base.uid, resourceVersion: base.resourceVersion }, spec },
          } as const);
    return projectLease(await api.request({ ...request, ...limits }));
  };

  const reflector = createReflector<LeaseView>({
    api,
    clock,
    log,
    path: collectionPath(resources.leases, namespace),
    fieldSelector: `metadata.name=${name}`,
    project: projectLease,
    onChange: (change) => feed({ type: 'observed', lease: change.type === 'deleted' ? undefined : change.now }),
    random,
  });
  const watch = switchable(async (signal) => reflector.run(signal), fault.reject);

  const run = async (signal: AbortSignal): Promise<void> => {
    if (!signal.aborted) feed({ type: 'timerDue' });
    try {
      await Promise.race([untilAborted(signal), left.promise, fault.promise]);
    } finally {
      ending.abort();
      cancelAlarm();
      await watch.end();
    }
  };

  return {
    run,
    release: async () => {
      if (ending.signal.aborted) return;
      feed({ type: 'leave' });
      await within(clock, releaseLimit, left.promise);
      left.resolve();
    },
    leadership: {
      validFor: () => {
        const until = ending.signal.aborted ? undefined : leadsUntil(election);
        return millis(Math.max(0, (until ?? -Infinity) - clock.now()));
      },
      isLeader: () => !ending.signal.aborted && clock.now() < (leadsUntil(election) ?? -Infinity),
      onChange: listeners.add,
    },
  };
};

/** Runs something whenever it is wanted; one run ends before the next begins. */
const switchable = (run: (signal: AbortSignal) => Promise<void>, onFault: (error: unknown) => void) => {
  let running = Promise.resolve();
  let current: AbortController | undefined;
  const setWanted = (isWanted: boolean): void => {
    if (isWanted === (current !== undefined)) return;
    if (!isWanted) {
      current?.abort();
      current = undefined;
      return;
    }
    const { signal } = (current = new AbortController());
    running = running.then(async () => run(signal)).catch(onFault);
  };
  return {
    setWanted,
    end: async () => {
      setWanted(false);
      await running;
    },
  };
};

/** From a raw coordination.k8s.io/v1 Lease; undefined without a name. Fields that are missing count as empty. */
const projectLease = (raw: unknown): LeaseView | undefined => {
  const { metadata: rawMetadata, spec: rawSpec } = object(raw);
  const metadata = object(rawMetadata);
  const spec = object(rawSpec);
  if (filled(metadata['name']) === undefined) return undefined;
  return {
    uid: text(metadata['uid']) ?? '',
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    record: {
      holder: text(spec['holderIdentity']) ?? '',
      durationSeconds: number(spec['leaseDurationSeconds']),
      acquireTime: text(spec['acquireTime']) ?? '',
      renewTime: text(spec['renewTime']) ?? '',
      transitions: number(spec['leaseTransitions']),
    },
  };
};

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

const leaseSpec = ({ holder, durationSeconds, acquireTime, renewTime, transitions }: LeaseRecord): object => ({
  holderIdentity: holder,
  leaseDurationSeconds: durationSeconds,
  acquireTime,
  renewTime,
  leaseTransitions: transitions,
});
