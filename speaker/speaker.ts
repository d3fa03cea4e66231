import { revisionOf } from '../src/domain/config/custom-resource.ts';
import { membersByReadiness } from '../src/domain/layer2/candidates.ts';
import type { Change } from '../src/k8s/watch/reflector.ts';
import { createNodeStates, type NodeNews } from './node-states.ts';
import { createServiceDecider } from './service-decider.ts';
import { sliceIndex } from './slice-index.ts';
import type { Speaker, SpeakerPorts } from './speaker-ports.ts';

/**
 * Wires the mirrors, the membership and the responder to the decisions. It orders nothing before `synced`, the first
 * `onInterfaces` and, with membership by memberlist, the first `onMembers`.
 */
export const createSpeaker = (ports: SpeakerPorts): Speaker => {
  const { mirrors, self, membership, log } = ports;
  const slices = sliceIndex();
  const nodes = createNodeStates({ ...ports, nodes: mirrors.nodes });
  const decider = createServiceDecider({ ...ports, nodes, slicesOf: slices.of });
  let isSynced = false;
  let hasInterfaces = false;
  let hasMembers = membership === 'api';
  let isReady = false;
  let isOwnPodSeen = true;

  /** Tells when the pod selector finds no pod of this node, and when it does again. */
  const lookForOwnPod = (): void => {
    const isSeen = Iterator.from(mirrors.pods.values()).some(({ nodeName }) => nodeName === self);
    if (isSeen === isOwnPodSeen) return;
    isOwnPodSeen = isSeen;
    if (isSeen) log.info('the speaker pod of this node is found', { event: 'ownPodFound' });
    else {
      const effect = membership === 'api' ? 'it announces nothing' : 'the others may not find it either';
      log.warn(`no speaker pod of this node is found, so ${effect}; are --ml-labels the labels of the pods?`, {
        event: 'ownPodNotFound',
      });
    }
  };

  const act = (news: NodeNews): void => {
    if (!isReady) return;
    if (news === 'candidates') decider.candidatesChanged();
    else if (news === 'ranks') decider.ranksChanged();
  };

  const readPods = (): NodeNews =>
    membership === 'api' ? nodes.setMembers(membersByReadiness(mirrors.pods.values(), self)) : undefined;

  const startIfComplete = (): void => {
    if (isReady || !isSynced || !hasInterfaces || !hasMembers) return;
    isReady = true;
    lookForOwnPod();
    readPods();
    for (const { name } of mirrors.nodes.values()) nodes.nodeChanged(name);
    decider.start();
  };

  return {
    onService: (change) => {
      if (!isReady || isUnchanged(change)) return;
      decider.serviceChanged(change.key, change.type === 'deleted' ? revisionOf(change.before) : undefined);
    },
    onSlice: (change) => {
      for (const service of slices.apply(change)) if (isReady) decider.serviceChanged(service);
    },
    onNode: (change) => {
      if (!isReady || isUnchanged(change)) return;
      act(nodes.nodeChanged(change.key));
      decider.labelsChanged(change.key);
    },
    onPod: (change) => {
      if (!isReady || isUnchanged(change)) return;
      lookForOwnPod();
      act(readPods());
    },
    onConfiguration: () => {
      if (isReady) decider.configurationChanged();
    },
    onMembers: (members) => {
      const news = nodes.setMembers([self, ...members.map(({ node }) => node)]);
      decider.setHasOriginals(members.some(({ beacons }) => !beacons));
      hasMembers = true;
      if (isReady) act(news);
      else startIfComplete();
    },
    onOwnership: (reports) => {
      for (const report of reports) {
        if (report.type !== 'peer') decider.onOwnership(report);
        else {
          const { news, isOther } = nodes.setPeer(report.node, report.isHeard, report.interfaces);
          act(news);
          if (isOther) decider.interfacesChanged();
        }
      }
    },
    onInterfaces: (names) => {
      nodes.setInterfaces(names);
      hasInterfaces = true;
      if (isReady) decider.interfacesChanged();
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
