import type { LiveObjects } from '../src/domain/admission/admission.ts';
import type { Assembly } from '../src/domain/config/assemble.ts';
import type { Api } from '../src/k8s/client/api.ts';
import { configurationWatch } from '../src/k8s/configuration-watch.ts';
import type { EventRecorder } from '../src/k8s/events/events.ts';
import type { Leadership } from '../src/k8s/leadership/leader-election.ts';
import type { BgpType } from '../src/lib/bgp-type.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, seconds, sleep, untilAborted, type WallTime, within } from '../src/lib/time.ts';
import type { HttpRoutes } from '../src/observe/http/http-server.ts';
import { watchCluster } from './cluster.ts';
import type { ConfigurationState } from '../src/k8s/configuration-state.ts';
import { endLimits } from './ending.ts';
import type { LegacyConfig } from './legacy-config.ts';
import type { ControllerMetrics } from './metrics.ts';
import { beginTerm, type Term, type TermOptions } from './term/term.ts';

export type ControllerPorts = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: ControllerMetrics;
  readonly configurationState: Pick<ConfigurationState, 'report'>;
  /** The old ConfigMap, which is watched by itself. */
  readonly legacy: Pick<LegacyConfig, 'view' | 'mark' | 'synced'>;
  /** Told of each piece of work. */
  readonly onWork: () => void;
};

/** From the command line. */
export type ControllerOptions = TermOptions & {
  readonly bgpType: BgpType;
  /** False: the configuration is read and checked, and services are left alone (`--webhook-mode=onlywebhook`). */
  readonly servesServices: boolean;
};

export type Controller = {
  /** Watches until `signal` aborts, and serves while this replica leads; then ends the writes under way and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Whether the cluster has been read. */
  readonly isReady: () => boolean;
  /** What has been read so far, for the webhooks. */
  readonly liveObjects: () => LiveObjects;
  /** Something outside that the configuration is made of has changed. */
  readonly onConfigurationChange: () => void;
  readonly queueDepth: () => number;
  readonly metricsRoutes: HttpRoutes;
};

/** A ConfigMap that we may not read, because of another name than our role allows, must not keep us from all the rest. */
const legacyPatience = seconds(10);

/**
 * A lease that nobody holds is ours well within this time. A standby lists after it, so that the leader, which starts
 * beside it as a rule, need not share the API server while services wait.
 */
const electionPatience = seconds(3);

/**
 * Keeps the copies of the cluster current at all times, and does the work of a leader in terms: each begins with all
 * that was ever written, and ends when another replica has taken over.
 */
export const createController = (ports: ControllerPorts, options: ControllerOptions): Controller => {
  const { api, leadership, clock, log, metrics, configurationState, legacy } = ports;
  const { metallbNamespace, lbClass, bgpType, servesServices } = options;
  let term: Term | undefined;
  /** Aborted when this replica leads no more. */
  let leading: AbortController | undefined;
  /** Settles when the last term has ended its writes. */
  let ended: Promise<void> = Promise.resolve();

  const cluster = watchCluster({
    api,
    clock,
    log,
    metallbNamespace,
    lbClass,
    bgpType,
    legacy,
    onService: (change) => term?.onService(change),
    onPool: (change) => term?.onPool(change),
    onL2Statuses: (keys) => term?.onL2Statuses(keys),
    onConfigurationChange: () => watch.touch(),
  });
  const onAssembly = (assembly: Assembly): void => {
    metrics.configLoaded.set(1);
    configurationState.report(assembly.problems);
    legacy.mark(assembly.wantsMark && cluster.isComplete());
    term?.onAssembly(assembly);
  };
  const watch = configurationWatch({ input: cluster.configurationInput, onAssembly });

  /** Makes sure that nothing is missing that a former leader, or we ourselves, wrote; and begins. */
  const lead = async (isCaughtUp: boolean): Promise<void> => {
    leading = new AbortController();
    const { signal } = leading;
    if (!servesServices) return;
    await ended;
    if (!isCaughtUp) await cluster.catchUp();
    const assembly = watch.current();
    if (signal.aborted || assembly === undefined) return;
    const { l2StatusesOf } = cluster;
    term = beginTerm({ ...ports, l2StatusesOf }, options, cluster.services.values(), cluster.pools.values(), assembly);
    log.info('serving', { services: term.size(), pools: assembly.configuration.pools.length });
  };

  const rest = (): void => {
    leading?.abort();
    leading = undefined;
    if (term === undefined) return;
    ended = term.end();
    term = undefined;
  };

  /** Whether we lead already; otherwise it is given a moment, since what a leader lists need not be listed twice. */
  const leadsAtOnce = async (signal: AbortSignal): Promise<boolean> => {
    const waiting = new AbortController();
    const stop = leadership.onChange(({ isLeader }) => isLeader && waiting.abort());
    if (!leadership.isLeader()) await sleep(clock, electionPatience, AbortSignal.any([waiting.signal, signal]));
    stop();
    return leadership.isLeader();
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let isCaughtUp = await leadsAtOnce(signal);
    let isSynced = false;
    const stopFollowing = leadership.onChange(({ isLeader }) => {
      isCaughtUp = false;
      if (!isLeader) rest();
      else if (isSynced) void lead(false);
    });
    const ending = new AbortController();
    const running = cluster.run(ending.signal);
    const aborted = untilAborted(signal);
    try {
      const legacyKnown = within(clock, legacyPatience, Promise.race([legacy.synced, aborted]));
      await Promise.race([running, aborted, Promise.all([cluster.synced, legacyKnown])]);
      if (!signal.aborted) {
        isSynced = true;
        watch.start();
        if (leadership.isLeader()) void lead(isCaughtUp);
        await Promise.race([running, aborted]);
      }
    } finally {
      stopFollowing();
      ending.abort();
      rest();
      // An API server that does not answer must not keep us.
      await within(clock, endLimits.writes, ended);
    }
    await running;
  };

  return {
    run,
    isReady: () => watch.current() !== undefined,
    liveObjects: () => ({ ...cluster.configurationInput(), services: cluster.services.values() }),
    onConfigurationChange: () => watch.touch(),
    queueDepth: () => term?.queueDepth() ?? 0,
    metricsRoutes: metrics.routes(
      () => (term === undefined ? [] : (watch.current()?.configuration.pools.map(({ name }) => name) ?? [])),
      { usageOf: (pool) => term?.allocator.usageOf(pool) },
    ),
  };
};
