import { Allocator } from '../src/domain/allocator/allocator.ts';
import type { Configuration } from '../src/domain/config/configuration.ts';
import { annotation, handlesClass, type ObjectKey, type ServiceView } from '../src/domain/objects.ts';
import { type ServiceEvent, statusQuarrel } from '../src/domain/service/events.ts';
import { type Api, isConflict } from '../src/k8s/api.ts';
import { problemReporter } from '../src/k8s/configuration-problems.ts';
import { projectCustomResource } from '../src/k8s/custom-resource.ts';
import { eventGate } from '../src/k8s/event-gate.ts';
import type { EventRecorder } from '../src/k8s/events.ts';
import { projectNamespace, projectService } from '../src/k8s/projections.ts';
import { type Change, createReflector, type Reflector } from '../src/k8s/reflector.ts';
import { collectionPath, type Resource, resources } from '../src/k8s/resources.ts';
import { createWorkQueue } from '../src/k8s/work-queue.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, type Millis, seconds, sleep } from '../src/lib/time.ts';
import type { HttpRoutes } from '../src/observe/http-server.ts';
import { configurationWatch, type PoolView, projectPool } from './configuration-watch.ts';
import type { ControllerMetrics } from './metrics.ts';
import { poolStatusWriter } from './pool-status-writer.ts';
import { ServiceReconciler } from './service-reconciler.ts';
import { statusWriter } from './status-writer.ts';

export type ControllerPorts = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: ControllerMetrics;
  /** Told of each piece of work. */
  readonly onWork: () => void;
};

/** From the command line. */
export type ControllerOptions = {
  /** Namespace of the custom resources. */
  readonly metallbNamespace: string;
  /** `--lb-class` */
  readonly lbClass: string;
};

export type Controller = {
  /** Watches and serves until `signal` aborts; then ends the writes under way and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly isReady: () => boolean;
  readonly metricsRoutes: HttpRoutes;
};

/** Status writes under way at one time, each of another service. */
const statusWrites = 32;
const poolWrites = 4;

/** What writes under way are given when the program ends. */
const longestEnding = seconds(2);

/** Wires the watches to the reconciler, and the reconciler to the writers. */
export const createController = (ports: ControllerPorts, options: ControllerOptions): Controller => {
  const { api, clock, log, events, metrics, onWork } = ports;
  const { metallbNamespace, lbClass } = options;
  const allocator = new Allocator();
  let configuration: Configuration | undefined;

  let lastStatusWrite = clock.now();
  let statusWritesUnderWay = 0;
  const gate = eventGate({ clock, busyUntil: () => (statusWritesUnderWay > 0 ? clock.now() : lastStatusWrite) });

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
      // Somebody was quicker; the newer state comes with the watch.
      if (isConflict(error)) log.debug('the object has changed meanwhile', { [kind]: name });
      else {
        metrics.updateErrors.inc();
        log.warn('status not written', { [kind]: name, error, retryAfterMs: Math.round(retryAfter) });
      }
    };

  const reconciler = new ServiceReconciler(
    {
      clock,
      tell,
      requestWrite: (service) => statusQueue.add(service),
      onUsageChanged: (pool) => {
        poolStatus.touch(pool);
        poolQueue.add(pool);
      },
      onPlanned: () => {
        metrics.updates.inc();
        onWork();
      },
    },
    allocator,
    options,
  );
  const writeStatus = statusWriter({
    api,
    clock,
    reconciler,
    onQuarrel: (service) => tell(service, statusQuarrel(service.key)),
  });
  const statusQueue = createWorkQueue<ObjectKey>({
    clock,
    work: async (service) => {
      statusWritesUnderWay++;
      try {
        return await writeStatus(service);
      } finally {
        statusWritesUnderWay--;
        lastStatusWrite = clock.now();
      }
    },
    onError: onWriteFailed('service'),
    concurrency: statusWrites,
  });
  const poolStatus = poolStatusWriter({ api, clock, allocations: allocator, metallbNamespace });
  const poolQueue = createWorkQueue<string>({
    clock,
    work: poolStatus.work,
    onError: onWriteFailed('pool'),
    concurrency: poolWrites,
  });

  const reflect = <View>(
    resource: Resource,
    namespace: string | undefined,
    project: (raw: unknown) => View | undefined,
    onChange: (change: Change<View>) => void,
  ): Reflector<View> =>
    createReflector({ api, clock, log, path: collectionPath(resource, namespace), project, onChange });

  const services = reflect(resources.services, undefined, projectConcerned(lbClass), (change) => {
    if (configuration === undefined) return;
    if (change.type === 'deleted') reconciler.remove(change.key);
    else reconciler.upsert(change.now);
  });
  const onPool = (change: Change<PoolView>): void => {
    const { name } = (change.type === 'deleted' ? change.before : change.now).resource.metadata;
    poolStatus.observe(name, change.type === 'deleted' ? undefined : change.now.counters);
    const isOurWriteOnly = change.type === 'updated' && isSameResource(change.before, change.now);
    if (!isOurWriteOnly) watch.touch();
    // Whoever edited the counters sees them put right.
    if (configuration === undefined) return;
    poolStatus.touch(name);
    poolQueue.add(name);
  };
  const pools = reflect(resources.ipAddressPools, metallbNamespace, projectPool, onPool);
  const touchIfChanged = (change: Change<unknown>): void => {
    if (change.type !== 'updated' || change.changed) watch.touch();
  };
  const l2Advertisements = reflect(resources.l2Advertisements, metallbNamespace, projectCustomResource, touchIfChanged);
  const namespaces = reflect(resources.namespaces, undefined, projectNamespace, touchIfChanged);

  const reportProblems = problemReporter({
    log,
    metrics,
    tell: ({ kind, namespace, name, uid, field, message, reason }) => {
      const { apiVersion } = resources.ipAddressPools;
      events.record(
        { apiVersion, kind, namespace, name, uid },
        { type: 'Warning', reason, message: `${field}: ${message}` },
      );
    },
  });
  const watch = configurationWatch({
    pools,
    l2Advertisements,
    namespaces,
    metallbNamespace,
    onProblems: reportProblems,
    onConfiguration: (next) => {
      const isFirst = configuration === undefined;
      configuration = next;
      metrics.configLoaded.set(1);
      if (isFirst) reconciler.start(services.values(), next);
      else reconciler.configure(next);
    },
  });

  const run = async (signal: AbortSignal): Promise<void> => {
    const reflectors = [services, pools, l2Advertisements, namespaces];
    const ending = new AbortController();
    const running = Promise.all(reflectors.map(async (reflector) => reflector.run(ending.signal)));
    const aborted = untilAborted(signal);
    try {
      await Promise.race([running, aborted, Promise.all(reflectors.map(async ({ synced }) => synced))]);
      if (!signal.aborted) {
        watch.start();
        log.info('serving', { services: reconciler.size, pools: configuration?.pools.length ?? 0 });
        await Promise.race([running, aborted]);
      }
    } finally {
      ending.abort();
      // An API server that does not answer must not keep us.
      const patience = new AbortController();
      await Promise.race([
        Promise.all([statusQueue.stop(), poolQueue.stop()]),
        sleep(clock, longestEnding, patience.signal),
      ]);
      patience.abort();
      gate.open();
    }
    await running;
  };

  return {
    run,
    isReady: () => configuration !== undefined,
    metricsRoutes: metrics.routes(() => configuration?.pools.map(({ name }) => name) ?? [], allocator),
  };
};

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
};

/**
 * Keeps the services that can concern us: those we serve, and those that still carry our annotation. The others, most
 * of a cluster's, cost nothing; a service that stops concerning us counts as deleted.
 */
const projectConcerned =
  (lbClass: string) =>
  (raw: unknown): ServiceView | undefined => {
    const service = projectService(raw);
    if (service === undefined) return undefined;
    const isServed = service.type === 'LoadBalancer' && handlesClass(lbClass, service);
    return isServed || annotation(service, 'allocatedFromPool') !== undefined ? service : undefined;
  };

/** Whether only the status differs. The raw objects come from JSON, in the server's stable order of fields. */
const isSameResource = (a: PoolView, b: PoolView): boolean => JSON.stringify(a.resource) === JSON.stringify(b.resource);
