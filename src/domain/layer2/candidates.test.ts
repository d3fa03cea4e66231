import { describe, expect, test } from 'vitest';
import type { EndpointSliceView, NodeView, SpeakerPodView } from '../objects.ts';
import { candidatesFor, candidateNodes, hasUsableEndpoint, membersByReadiness } from './candidates.ts';

const pod = (nodeName: string | undefined, ready: boolean): SpeakerPodView => ({
  key: `metallb-system/speaker-${nodeName}`,
  nodeName,
  ready,
});

describe('membership by readiness', () => {
  test('names the nodes with a ready speaker pod', () => {
    expect(membersByReadiness([pod('n1', true), pod('n2', false), pod('n3', true)], 'n1')).toEqual(
      new Set(['n1', 'n3']),
    );
  });

  test('leaves this node out until its own pod is ready, if there are others', () => {
    expect(membersByReadiness([pod('n1', false), pod('n2', true)], 'n1')).toEqual(new Set(['n2']));
  });

  test('leaves this node out while others start at the same time', () => {
    expect(membersByReadiness([pod('n1', false), pod('n2', false)], 'n1')).toEqual(new Set());
  });

  test('counts this node in at once if it is the only one with a speaker', () => {
    expect(membersByReadiness([pod('n1', false)], 'n1')).toEqual(new Set(['n1']));
    expect(membersByReadiness([pod('n1', false), pod(undefined, false)], 'n1')).toEqual(new Set(['n1']));
  });

  test('leaves this node out while its own pod is not seen: the others may be there all the same', () => {
    expect(membersByReadiness([], 'n1')).toEqual(new Set());
    expect(membersByReadiness([pod(undefined, false)], 'n1')).toEqual(new Set());
  });

  test('counts a node whose old pod goes away while the new one is ready', () => {
    expect(membersByReadiness([pod('n1', true), pod('n2', false), pod('n2', true)], 'n1')).toEqual(
      new Set(['n1', 'n2']),
    );
  });
});

describe('candidates of the cluster', () => {
  const node = (changes: Partial<NodeView>): NodeView => ({
    name: 'n1',
    labels: {},
    networkUnavailable: false,
    ...changes,
  });
  const candidates = (found: NodeView | undefined, ignoreExcludeLabel = false): readonly string[] => [
    ...candidateNodes(new Set(['n1']), () => found, ignoreExcludeLabel),
  ];
  const excluded = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };

  test('include a node that is not known yet', () => {
    expect(candidates(undefined)).toEqual(['n1']);
  });

  test('leave out a node without network', () => {
    expect(candidates(node({ networkUnavailable: true }))).toEqual([]);
  });

  test('leave out a node by the presence of the label, unless told to ignore it', () => {
    expect(candidates(node({ labels: excluded }))).toEqual([]);
    expect(candidates(node({ labels: excluded }), true)).toEqual(['n1']);
  });
});

describe('candidates of a service', () => {
  const slice = (...endpoints: EndpointSliceView['endpoints']): EndpointSliceView => ({
    key: 'default/web-1',
    serviceKey: 'default/web',
    endpoints,
  });
  const slices = [
    slice({ nodeName: 'n1', usable: false }, { nodeName: 'n2', usable: true }),
    slice({ nodeName: 'n4', usable: true }, { nodeName: undefined, usable: true }),
  ];
  const candidates = new Set(['n1', 'n2', 'n3']);

  test('are all nodes that may own addresses for the policy Cluster', () => {
    expect(candidatesFor({ externalTrafficPolicy: 'Cluster' }, slices, candidates)).toEqual(candidates);
  });

  test('are those with a usable endpoint for the policy Local', () => {
    expect(candidatesFor({ externalTrafficPolicy: 'Local' }, slices, candidates)).toEqual(new Set(['n2']));
  });

  test('need one usable endpoint in any slice', () => {
    expect(hasUsableEndpoint(slices)).toBe(true);
    expect(hasUsableEndpoint([slice({ nodeName: 'n1', usable: false }), slice()])).toBe(false);
    expect(hasUsableEndpoint([])).toBe(false);
  });
});
