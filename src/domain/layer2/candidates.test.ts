import { describe, expect, test } from 'vitest';
import type { SpeakerPodView } from '../objects.ts';
import { membersByReadiness, whyExcluded } from './candidates.ts';

const pod = (nodeName: string | undefined, ready: boolean): SpeakerPodView => ({
  key: `metallb-system/speaker-${nodeName}`,
  nodeName,
  ips: [],
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

describe('a member may own addresses', () => {
  const excluded = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };

  test('unless its node is gone or without network', () => {
    expect(whyExcluded({ labels: {}, networkUnavailable: false }, false)).toBeUndefined();
    expect(whyExcluded(undefined, true)).toBe('noNode');
    expect(whyExcluded({ labels: excluded, networkUnavailable: true }, true)).toBe('networkUnavailable');
  });

  test('unless its node has the label, whatever its value, and that counts', () => {
    expect(whyExcluded({ labels: excluded, networkUnavailable: false }, false)).toBe('excludedLabel');
    expect(whyExcluded({ labels: excluded, networkUnavailable: false }, true)).toBeUndefined();
  });
});
