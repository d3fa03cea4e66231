import type { NodeView, SpeakerPodView } from '../objects.ts';
import type { NodeReason } from './announcement.ts';

/**
 * The membership as the API knows it: nodes with a ready speaker pod. The node `self` is a member before its own pod is
 * ready if every speaker pod stands on it: then nobody else can own an address, and a restart need not wait for a
 * readiness probe. Where its own pod is not seen, the others may not be seen either: then it is no member.
 */
export const membersByReadiness = (pods: Iterable<SpeakerPodView>, self: string): ReadonlySet<string> => {
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

/**
 * Why a member may not own addresses at all; undefined if it may.
 *
 * @param node its Node object; undefined: there is none
 */
export const whyExcluded = (
  node: Pick<NodeView, 'labels' | 'networkUnavailable'> | undefined,
  ignoreExcludeLabel: boolean,
): Extract<NodeReason, 'noNode' | 'networkUnavailable' | 'excludedLabel'> | undefined => {
  if (node === undefined) return 'noNode';
  if (node.networkUnavailable) return 'networkUnavailable';
  return !ignoreExcludeLabel && Object.hasOwn(node.labels, excludeLabel) ? 'excludedLabel' : undefined;
};
