import { createController } from '../../controller/controller.ts';
import type { ControllerMetrics } from '../../controller/metrics.ts';
import type { Pool } from '../../src/domain/config/configuration.ts';
import { ApiError, ApiUnreachable } from '../../src/k8s/client/api.ts';
import type { EventText, ObjectReference } from '../../src/k8s/events/events.ts';
import { fenceWrites } from '../../src/k8s/leadership/fenced-api.ts';
import {
  createLeaderElection,
  type LeaderElection,
  type LeaderElectionOptions,
  soleLeader,
} from '../../src/k8s/leadership/leader-election.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { silentLog } from '../support/silent-log.ts';
import type { ApiServer, Collection } from './api-server.ts';
import { connect, type Connection } from './connection.ts';
import { assemblePools, configuring, metallbNamespace } from './model.ts';

/** Whether replicas agree on a leader by the Lease, or each takes itself for the only one. */
export type Election = 'lease' | 'none';

export type ReplicaOptions = {
  readonly server: ApiServer;
  readonly name: string;
  readonly election: Election;
  readonly reassignOnPoolChange: boolean;
  /** The server's clock in milliseconds. */
  readonly now: () => number;
  /** Jitter: a number in [0, 1). */
  readonly random: () => number;
  readonly onEvent: (object: ObjectReference, event: EventText) => void;
};

/** Pools that a process has known, until it had taken in others when the server had a certain version. */
export type KnownPools = { readonly pools: () => readonly Pool[]; until: number };

/** A controller process, and what is needed to move it. */
export type Replica = Connection & {
  readonly name: string;
  readonly clock: FakeClock;
  readonly isLeader: () => boolean;
  /** How often it has begun to lead. */
  readonly terms: () => number;
  /** Ends it as SIGTERM does. */
  readonly end: () => void;
  readonly isEnding: () => boolean;
  readonly hasEnded: () => boolean;
  /** What it was sent it has had time to take in. Throws what went wrong in it that must never. */
  readonly check: () => void;
  readonly known: readonly KnownPools[];
  /** As SIGSTOP does: its clock goes on, and nothing in it runs. */
  isStopped: boolean;
};

const counter = { inc: () => {} };
const gauge = { set: () => {} };
const histogram = { observe: () => {} };
const metrics = {
  updates: counter,
  updateErrors: counter,
  configLoaded: gauge,
  configStale: gauge,
  reconcileDuration: histogram,
  addressDuration: histogram,
  routes: () => ({}),
} as unknown as ControllerMetrics;

/** Starts a controller as `controller/main.ts` does. */
export const launchReplica = (options: ReplicaOptions): Replica => {
  const { server, name, now } = options;
  const clock = fakeClock();
  const wallTime = (): number => 1_700_000_000_000 + now();
  const known: KnownPools[] = [];
  /** How many of them have had their end. */
  let superseded = 0;
  const learn = (collection: Collection): void => {
    if (!configuring.some((wanted) => wanted === collection)) return;
    const objects = new Map(configuring.map((wanted) => [wanted, connection.seen(wanted)]));
    known.push({ pools: lazily(() => assemblePools((wanted) => objects.get(wanted)!)), until: Infinity });
  };
  const connection = connect({ server, clock, now, writer: name, onTold: learn });
  let fault: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    fault ??= { error };
  };
  const watchErrors = (_: string, { error }: LogFields = {}): void => {
    if (error !== undefined && !(error instanceof ApiError || error instanceof ApiUnreachable)) fail(error);
  };
  const log: Log = { ...silentLog, warn: watchErrors, error: watchErrors, child: () => log };

  const election = elect(options, { api: connection.api, clock, log, wallTime });
  let terms = election.leadership.isLeader() ? 1 : 0;
  election.leadership.onChange(({ isLeader }) => {
    if (isLeader) terms++;
  });
  const api = fenceWrites(connection.api, { leadership: election.leadership, clock });
  const controller = createController(
    {
      api,
      leadership: election.leadership,
      clock,
      wallTime,
      log,
      events: { record: options.onEvent },
      metrics,
      configurationState: { report: () => {} },
      legacy: { view: () => undefined, mark: () => {}, synced: Promise.resolve() },
      onWork: () => {},
    },
    {
      metallbNamespace,
      lbClass: '',
      bgpType: 'native',
      reassignOnPoolChange: options.reassignOnPoolChange,
      servesServices: true,
    },
  );

  const ending = new AbortController();
  const releasing = new AbortController();
  let hasEnded = false;
  const run = async (): Promise<void> => {
    const electing = election.run(releasing.signal);
    electing.catch(fail);
    await controller.run(ending.signal);
    if (api.isAtRest()) await election.release();
    releasing.abort();
    await electing;
    hasEnded = true;
  };
  run().catch(fail);

  return {
    ...connection,
    name,
    clock,
    isLeader: election.leadership.isLeader,
    terms: () => terms,
    end: () => ending.abort(),
    isEnding: () => ending.signal.aborted,
    hasEnded: () => hasEnded,
    check: () => {
      if (fault !== undefined) throw fault.error;
      connection.settled();
      for (; superseded < known.length - 1; superseded++) known[superseded]!.until = server.version();
    },
    known,
    isStopped: false,
  };
};

const elect = (
  { election, name, random }: ReplicaOptions,
  ports: Pick<LeaderElectionOptions, 'api' | 'clock' | 'log' | 'wallTime'>,
): LeaderElection => {
  if (election === 'lease') {
    return createLeaderElection({ ...ports, namespace: metallbNamespace, name: 'lease', identity: name, random });
  }
  return {
    leadership: soleLeader,
    run: async (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    release: async () => {},
  };
};

/** Makes a value when it is asked for, once. */
const lazily = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
