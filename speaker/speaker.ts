import type { Configuration } from '../src/domain/config/configuration.ts';
import { candidateNodes, membersByReadiness } from '../src/domain/layer2/candidates.ts';
import type { EndpointSliceView, NodeView, ServiceView, SpeakerPodView } from '../src/domain/objects.ts';
import type { Change } from '../src/k8s/watch/reflector.ts';
import { type ServiceDeciderPorts, createServiceDecider } from './service-decider.ts';
import { sliceIndex } from './slice-index.ts';

/** What the speaker sees of the cluster: copies that are complete once `synced` is called. */
export type Mirrors = {
  readonly services: ServiceDeciderPorts['services'];
  readonly nodes: { readonly get: (name: string) => NodeView | undefined };
  /** The speaker pods. */
  readonly pods: { readonly values: () => Iterable<SpeakerPodView> };
  readonly configuration: () => Configuration;
};

export type SpeakerPorts = Omit<ServiceDeciderPorts, 'services' | 'slicesOf'> & {
  readonly mirrors: Mirrors;
  /** Nodes keep their addresses whatever the label `exclude-from-external-load-balancers` says. */
  readonly ignoreExcludeLabel: boolean;
};

/** Takes what happens in the cluster and on this node, and acts on it at once. */
export type Speaker = {
  readonly onService: (change: Change<ServiceView>) => void;
  readonly onSlice: (change: Change<EndpointSliceView>) => void;
  readonly onNode: (change: Change<NodeView>) => void;
  readonly onPod: (change: Change<SpeakerPodView>) => void;
  /** A pool or an advertisement changed. */
  readonly onConfiguration: () => void;
  /** The responder's interfaces, by name; with the first report it is known to run. */
  readonly onInterfaces: (names: readonly string[]) => void;
  /** Every mirror has been read once. */
  readonly synced: () => void;
  /** Whether it decides: every mirror was read and the responder runs. Says nothing of what it owns. */
  readonly isReady: () => boolean;
};

/**
 * Wires the mirrors and the responder to the decisions. It announces nothing before `synced` and the first
 * `onInterfaces`.
 */
export const createSpeaker = (ports: SpeakerPorts): Speaker => {
  const { mirrors, self, ignoreExcludeLabel, log } = ports;
  const slices = sliceIndex();
  const decider = createServiceDecider({ ...ports, services: mirrors.services, slicesOf: slices.of });
  let isSynced = false;
  let interfaces: ReadonlySet<string> | undefined;
  let candidates: ReadonlySet<string> = new Set();
  let isReady = false;
  let isOwnPodSeen = true;

  /** Tells when the pod selector finds no pod of this node, and when it does again. */
  const lookForOwnPod = (): void => {
    const isSeen = Iterator.from(mirrors.pods.values()).some(({ nodeName }) => nodeName === self);
    if (isSeen === isOwnPodSeen) return;
    isOwnPodSeen = isSeen;
    if (isSeen) log.info('the speaker pod of this node is found', { event: 'ownPodFound' });
    else {
      log.warn(
        'no speaker pod of this node is found, so it announces nothing; are --ml-labels the labels of the pods?',
        {
          event: 'ownPodNotFound',
        },
      );
    }
  };

  const findCandidates = (): ReadonlySet<string> =>
    candidateNodes(
      membersByReadiness(mirrors.pods.values(), self),
      (name) => mirrors.nodes.get(name),
      ignoreExcludeLabel,
    );

  const startIfComplete = (): void => {
    if (isReady || !isSynced || interfaces === undefined) return;
    isReady = true;
    lookForOwnPod();
    candidates = findCandidates();
    decider.start({ configuration: mirrors.configuration(), candidates, interfaces });
  };

  const electAgain = (change: Change<unknown>): void => {
    if (!isReady || isUnchanged(change)) return;
    const now = findCandidates();
    if (now.symmetricDifference(candidates).size === 0) return;
    candidates = now;
    decider.candidatesChanged(candidates);
  };

  return {
    onService: (change) => {
      if (isReady && !isUnchanged(change)) decider.serviceChanged(change.key);
    },
    onSlice: (change) => {
      for (const service of slices.apply(change)) decider.serviceChanged(service);
    },
    onNode: electAgain,
    onPod: (change) => {
      if (isReady) lookForOwnPod();
      electAgain(change);
    },
    onConfiguration: () => {
      if (isReady) decider.configurationChanged(mirrors.configuration());
    },
    onInterfaces: (names) => {
      interfaces = new Set(names);
      if (isReady) decider.interfacesChanged(interfaces);
      else startIfComplete();
    },
    synced: () => {
      isSynced = true;
      startIfComplete();
    },
    isReady: () => isReady,
  };
};

const isUnchanged = (change: Change<unknown>): boolean => change.type === 'updated' && !change.changed;
