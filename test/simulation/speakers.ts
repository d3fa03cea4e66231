import { assembleConfiguration, nothingConfigured } from '../../src/domain/config/assemble.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { EndpointSliceView, NodeView, ServiceView, SpeakerPodView } from '../../src/domain/objects.ts';
import { type Change, Mirror } from '../../src/k8s/watch/mirror.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import { createSpeaker } from '../../speaker/speaker.ts';
import { silentLog } from '../support/silent-log.ts';
import type { Random } from './random.ts';

/** What stands in the API server, by kind and key. */
export type ClusterState = {
  readonly services: ReadonlyMap<string, ServiceView>;
  readonly slices: ReadonlyMap<string, EndpointSliceView>;
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly pods: ReadonlyMap<string, SpeakerPodView>;
  readonly pools: ReadonlyMap<string, CustomResource>;
  readonly advertisements: ReadonlyMap<string, CustomResource>;
};

export type Kind = keyof ClusterState;
type ViewOf<K extends Kind> = ClusterState[K] extends ReadonlyMap<string, infer View> ? View : never;

const kinds = ['services', 'slices', 'nodes', 'pods', 'pools', 'advertisements'] as const;

/** One speaker began or ceased to answer for an address. */
export type Turn = { readonly at: Millis; readonly ip: Ip; readonly node: string; readonly begins: boolean };

export type SpeakerCluster = {
  readonly clock: FakeClock;
  readonly state: () => ClusterState;
  /** Changes an object, or deletes it; every speaker hears of it some time later, in the order of its kind. */
  readonly put: <K extends Kind>(kind: K, key: string, view: ViewOf<K> | undefined) => void;
  /** Starts a speaker on a node; `onReady` is called when its readiness probe would succeed. */
  readonly start: (node: string, onReady: () => void) => void;
  /** Ends a node's speaker as SIGKILL does: its addresses are silent at once. */
  readonly kill: (node: string) => void;
  /** Who answers for an address now. */
  readonly announcers: (ip: Ip) => ReadonlySet<string>;
  /** The addresses that somebody answers for. */
  readonly announced: () => readonly Ip[];
  /** What has happened since the last call. */
  readonly turns: () => readonly Turn[];
};

type Process = {
  readonly take: (kind: Kind, key: string, view: unknown) => void;
  /** When the last event of a kind reaches it; a kind that has not been listed is absent. */
  readonly lastAt: Map<Kind, number>;
  readonly answersFor: Set<Ip>;
  readonly end: () => void;
};

const namespace = 'metallb-system';

/** The interfaces that a node has. */
export const interfacesOf = (node: string): readonly string[] =>
  Number(node.slice(4)) % 2 === 0 ? ['eth0', 'eth1'] : ['eth0'];

/** Speakers that see one cluster, each with delays of its own. Throws what a speaker must never do. */
export const createSpeakerCluster = (random: Random): SpeakerCluster => {
  const clock = fakeClock();
  const state: Record<Kind, Map<string, unknown>> = {
    services: new Map(),
    slices: new Map(),
    nodes: new Map(),
    pods: new Map(),
    pools: new Map(),
    advertisements: new Map(),
  };
  const processes = new Map<string, Process>();
  let turns: Turn[] = [];

  /** Mostly milliseconds, now and then as long as a busy program takes. */
  const delay = (): number => (random.chance(0.1) ? 2000 : 50) * random.next();

  const turn = (ip: Ip, node: string, begins: boolean): void => void turns.push({ at: clock.now(), ip, node, begins });

  const start = (node: string, onReady: () => void): void => {
    let isAlive = true;
    let isComplete = false;
    let hasInterfaces = false;
    const answersFor = new Set<Ip>();
    const mirrors = {
      services: new Mirror<ServiceView>(),
      slices: new Mirror<EndpointSliceView>(),
      nodes: new Mirror<NodeView>(),
      pods: new Mirror<SpeakerPodView>(),
      pools: new Mirror<CustomResource>(),
      advertisements: new Mirror<CustomResource>(),
    };
    const speaker = createSpeaker({
      self: node,
      loadBalancerClass: '',
      ignoreExcludeLabel: false,
      mirrors: {
        services: mirrors.services,
        nodes: mirrors.nodes,
        pods: mirrors.pods,
        configuration: () =>
          assembleConfiguration({
            ...nothingConfigured,
            pools: [...mirrors.pools.values()],
            l2Advertisements: [...mirrors.advertisements.values()],
            metallbNamespace: namespace,
          }).configuration,
      },
      responder: {
        announce: (ip) => {
          if (!isAlive) throw new Error(`${node} announces ${ip} after its end`);
          if (!isComplete || !hasInterfaces) throw new Error(`${node} announces ${ip} before it knows everything`);
          if (!answersFor.has(ip)) turn(ip, node, true);
          answersFor.add(ip);
        },
        withdraw: (ip) => {
          if (answersFor.delete(ip)) turn(ip, node, false);
        },
      },
      recorder: { record: () => {} },
      announced: { set: () => {}, remove: () => {} },
      log: silentLog,
    });
    const onConfiguration = (change: Change<unknown>): void => {
      if (change.type !== 'updated' || change.changed) speaker.onConfiguration();
    };
    const handlers: { readonly [K in Kind]: (change: Change<ViewOf<K>>) => void } = {
      services: speaker.onService,
      slices: speaker.onSlice,
      nodes: speaker.onNode,
      pods: speaker.onPod,
      pools: onConfiguration,
      advertisements: onConfiguration,
    };
    const take = <K extends Kind>(kind: K, key: string, view: ViewOf<K> | undefined): void => {
      if (!isAlive) return;
      const mirror = mirrors[kind] as unknown as Mirror<ViewOf<K>>;
      const change = mirror.put(key, view);
      if (change !== undefined) handlers[kind](change);
    };
    const lastAt = new Map<Kind, number>();
    const becomeReady = (): void => {
      if (speaker.isReady()) clock.after(millis(1000 * random.next()), () => isAlive && onReady());
    };
    for (const kind of kinds) {
      clock.after(millis(delay()), () => {
        for (const [key, view] of state[kind]) take(kind, key, view as never);
        lastAt.set(kind, clock.now());
        if (lastAt.size < kinds.length || !isAlive) return;
        isComplete = true;
        speaker.synced();
        becomeReady();
      });
    }
    clock.after(millis(delay()), () => {
      if (!isAlive) return;
      hasInterfaces = true;
      speaker.onInterfaces(interfacesOf(node));
      becomeReady();
    });
    const end = (): void => {
      isAlive = false;
      for (const ip of answersFor) turn(ip, node, false);
      answersFor.clear();
    };
    processes.set(node, { take: take as Process['take'], lastAt, answersFor, end });
  };

  return {
    clock,
    // The maps hold per kind what `put` was given for it.
    state: () => Object.fromEntries(kinds.map((kind) => [kind, new Map(state[kind])])) as unknown as ClusterState,
    put: (kind, key, view) => {
      if (view === undefined) state[kind].delete(key);
      else state[kind].set(key, view);
      for (const { take, lastAt } of processes.values()) {
        const last = lastAt.get(kind);
        if (last === undefined) continue;
        const at = Math.max(last, clock.now() + delay());
        lastAt.set(kind, at);
        clock.after(millis(at - clock.now()), () => take(kind, key, view));
      }
    },
    start,
    kill: (node) => {
      processes.get(node)?.end();
      processes.delete(node);
    },
    announcers: (ip) => new Set([...processes].flatMap(([node, { answersFor }]) => (answersFor.has(ip) ? [node] : []))),
    announced: () => [...new Set([...processes.values()].flatMap(({ answersFor }) => [...answersFor]))],
    turns: () => {
      const since = turns;
      turns = [];
      return since;
    },
  };
};

/** All delays are over after this time. */
export const longEnough = seconds(60);
