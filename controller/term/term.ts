import { Allocator } from '../../src/domain/allocator/allocator.ts';
import type { Assembly } from '../../src/domain/config/assemble.ts';
import { collectionOf } from '../../src/domain/config/collections.ts';
import type { ConfigurationProblem } from '../../src/domain/config/configuration.ts';
import type { ObjectKey, ServiceView } from '../../src/domain/objects.ts';
import type { L2StatusView } from '../../src/domain/service/announced.ts';
import { type ServiceEvent, statusQuarrel } from '../../src/domain/service/events.ts';
import { type Api, isConflict } from '../../src/k8s/client/api.ts';
import { problemReporter } from '../../src/k8s/configuration-problems.ts';
import { eventGate } from '../../src/k8s/events/event-gate.ts';
import type { EventRecorder } from '../../src/k8s/events/events.ts';
import { isNotLeader } from '../../src/k8s/leadership/fenced-api.ts';
import type { Change } from '../../src/k8s/watch/reflector.ts';
import { configurationResources, resources } from '../../src/k8s/resources.ts';
import { createWorkQueue, type WorkOutcome } from '../../src/k8s/work-queue.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Clock, Millis, WallTime } from '../../src/lib/time.ts';
import type { ControllerMetrics } from '../metrics.ts';
import { addressWaits } from './address-waits.ts';
import { announcedWriter } from './announced-writer.ts';
import { poolStatuses } from './pool-statuses.ts';
import type { PoolView } from './pool-view.ts';
import { ServiceReconciler } from './service-reconciler.ts';
import { statusWriter } from './status-writer.ts';

export type TermPorts = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
  readonly clock: Clock;
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: ControllerMetrics;
  /** What speakers say of a service; undefined before it is known. */
  readonly l2StatusesOf: (service: ObjectKey) => Iterable<L2StatusView> | undefined;
  /** Told of each piece of work. */
  readonly onWork: () => void;
};

export type TermOptions = {
  readonly metallbNamespace: string;
  readonly lbClass: string;
  readonly reassignOnPoolChange: boolean;
};

/**
 * The time in which this replica is the one that works: from the first plan of all services until another replica has
 * taken over. What it holds in memory is true as long as nobody else gives addresses.
 */
export type Term = {
  readonly onService: (change: Change<ServiceView>) => void;
  readonly onPool: (change: Change<PoolView>) => void;
  readonly onAssembly: (assembly: Assembly) => void;
  /** What the speakers say of these services has changed. */
  readonly onL2Statuses: (services: Iterable<ObjectKey>) => void;
  readonly queueDepth: () => number;
  readonly allocator: Allocator;
  /** How many services there are. */
  readonly size: () => number;
  /** Starts nothing more; settles when the writes under way have ended. */
  readonly end: () => Promise<void>;
};

/** Status writes under way at one time, each of another service. */
const statusWrites = 32;
/** Conditions of announced services; few, because addresses come first. */
const announcedWrites = 8;

/** Begins by taking up what the statuses say, and plans every service. */
export const beginTerm = (
  ports: TermPorts,
  options: TermOptions,
  services: Iterable<ServiceView>,
  pools: Iterable<PoolView>,
  first: Assembly,
): Term => {
  const { api, clock, wallTime, log, events, metrics, l2StatusesOf, onWork } = ports;
  const allocator = new Allocator();

  let lastStatusWrite = clock.now();
  let statusWritesUnderWay = 0;
  const busyUntil = (): Millis => (statusWritesUnderWay > 0 ? clock.now() : lastStatusWrite);
  const gate = eventGate({ clock, busyUntil });
  const announcedGate = eventGate({ clock, busyUntil });

  const tell = (service: ServiceView, event: ServiceEvent): void => {
    const { key, namespace, name, uid, resourceVersion } = service;
    const { apiVersion, kind } = resources.services;
    gate.pass(() => events.record({ apiVersion, kind, namespace, name, uid, resourceVersion }, event));
    const { type, reason, message } = event;
    log[type === 'Warning' ? 'warn' : 'info']('service event', { service: key, reason, message });
  };

  const onWriteFailed =
    (kind: string) =>
    (name: string, error: unknown, retryAfter: Millis): void => {
      // Somebody was quicker, and the newer state comes with the watch; or this term is about to end.
      if (isConflict(error)) log.debug('the object has changed meanwhile', { [kind]: name });
      else if (isNotLeader(error)) log.debug('not written by this replica', { [kind]: name });
      else {
        metrics.updateErrors.inc();
        log.warn('status not written', { [kind]: name, error, retryAfterMs: Math.round(retryAfter) });
      }
    };

  const waits = addressWaits(clock, (wait) => metrics.addressDuration.observe(wait));
  const reconciler = new ServiceReconciler(
    {
      clock,
      tell,
      requestWrite: (service) => statusQueue.add(service),
      onUsageChanged: (pool) => poolCounters.touch(pool),
      onPlanned: (service) => {
        if (service.ingress.length === 0) waits.begin(service.key);
        metrics.updates.inc();
        onWork();
      },
    },
    allocator,
    options,
  );

  const measured = async (work: () => Promise<WorkOutcome>): Promise<WorkOutcome> => {
    const startedAt = clock.now();
    try {
      return await work();
    } finally {
      metrics.reconcileDuration.observe((clock.now() - startedAt) / 1000);
    }
  };
  const writeStatus = statusWriter({
    api,
    clock,
    wallTime,
    reconciler,
    onQuarrel: (service) => tell(service, statusQuarrel(service.key)),
  });
  const statusQueue = createWorkQueue<ObjectKey>({
    clock,
    work: async (service) => {
      statusWritesUnderWay++;
      try {
        const outcome = await measured(async () => writeStatus(service));
        if (outcome.type === 'done' && allocator.allocationOf(service) !== undefined) waits.end(service);
        return outcome;
      } finally {
        statusWritesUnderWay--;
        lastStatusWrite = clock.now();
      }
    },
    onError: onWriteFailed('service'),
    concurrency: statusWrites,
  });
  const { metallbNamespace } = options;
  const poolCounters = poolStatuses(
    { api, clock, allocations: allocator, metallbNamespace, measured, onError: onWriteFailed('pool') },
    pools,
  );

  const announcedConditions = announcedWriter({ api, clock, wallTime, reconciler, statusesOf: l2StatusesOf });
  const announcedQueue = createWorkQueue<ObjectKey>({
    clock,
    work: async (service) => measured(async () => announcedConditions.work(service)),
    onError: onWriteFailed('service'),
    concurrency: announcedWrites,
  });
  const checkAnnounced = (service: ObjectKey): void => announcedGate.pass(() => announcedQueue.add(service));

  const reportProblems = problemReporter({
    log,
    metrics,
    tell: ({ kind, namespace, name, uid, field, message, reason }: ConfigurationProblem) => {
      events.record(
        { apiVersion: apiVersionOf(kind), kind, namespace, name, uid },
        { type: 'Warning', reason, message: `${field}: ${message}` },
      );
    },
  });

  reportProblems(first.problems);
  const known = [...services];
  reconciler.start(known, first.configuration);
  for (const { key } of known) checkAnnounced(key);

  return {
    onService: (change) => {
      if (change.type === 'deleted') {
        reconciler.remove(change.key);
        waits.forget(change.key);
        announcedConditions.forget(change.key);
      } else {
        reconciler.upsert(change.now);
        checkAnnounced(change.key);
      }
    },
    onL2Statuses: (keys) => {
      for (const service of keys) checkAnnounced(service);
    },
    onPool: poolCounters.onPool,
    onAssembly: ({ configuration, problems }) => {
      reportProblems(problems);
      reconciler.configure(configuration);
    },
    queueDepth: () => statusQueue.depth() + poolCounters.depth() + announcedQueue.depth(),
    allocator,
    size: () => reconciler.size,
    end: async () => {
      reconciler.end();
      await Promise.all([statusQueue.stop(), poolCounters.stop(), announcedQueue.stop()]);
      gate.open();
    },
  };
};

const apiVersionOf = (kind: ConfigurationProblem['kind']): string =>
  (kind === 'ConfigMap' ? resources.configMaps : configurationResources[collectionOf[kind]]).apiVersion;
