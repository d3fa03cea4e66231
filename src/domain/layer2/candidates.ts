import type { EndpointSliceView, NodeView, ServiceView, SpeakerPodView } from '../objects.ts';

/** Names of the nodes whose speaker takes part now; who feeds it decides what counts as alive. */
export type Membership = ReadonlySet<string>;

/**
 * The membership as the API knows it: nodes with a ready speaker pod. The node `self` is a member before its own pod is
 * ready if every speaker pod stands on it: then nobody else can own an address, and a restart need not wait for a
 * readiness probe. Where its own pod is not seen, the others may not be seen either: then it is no member.
 */
export const membersByReadiness = (pods: Iterable<SpeakerPodView>, self: string): Membership => {
  const members = new Set<string>();
  let isSeen = false;
  let isAlone = true;
  for (const { nodeName, ready } of pods) {
    if (nodeName === undefined) continue;
    if (nodeName === self) isSeen = true;
    else isAlone = false;
    if (ready) members.add(nodeName);
  }
  return isSeen && isAlone ? members.add(self) : members;
};

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Members that may own addresses at all. A member whose Node object is not known yet stays. */
export const candidateNodes = (
  members: Membership,
  findNode: (name: string) => NodeView | undefined,
  ignoreExcludeLabel: boolean,
): ReadonlySet<string> => {
  const isCandidate = (name: string): boolean => {
    const node = findNode(name);
    if (node === undefined) return true;
    return !node.networkUnavailable && (ignoreExcludeLabel || !Object.hasOwn(node.labels, excludeLabel));
  };
  return new Set([...members].filter(isCandidate));
};

/** Whether any endpoint of the service, on whatever node, can serve. */
export const hasUsableEndpoint = (slices: Iterable<EndpointSliceView>): boolean => {
  for (const { endpoints } of slices) if (endpoints.some(({ usable }) => usable)) return true;
  return false;
};

/** The candidates for one service: all of them, but with `externalTrafficPolicy: Local` those that can serve it. */
export const candidatesFor = (
  service: Pick<ServiceView, 'externalTrafficPolicy'>,
  slices: Iterable<EndpointSliceView>,
  candidates: ReadonlySet<string>,
): ReadonlySet<string> => {
  if (service.externalTrafficPolicy === 'Cluster') return candidates;
  const serving = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { nodeName, usable } of endpoints) {
      if (usable && nodeName !== undefined && candidates.has(nodeName)) serving.add(nodeName);
    }
  }
  return serving;
};
