import type { BgpType } from '../../lib/bgp-type.ts';
import type { ConfigMapView, NamespaceView, NodeView } from '../objects.ts';
import type { CustomResource } from './custom-resource.ts';

/** Everything the configuration is made of. */
export type ConfigurationInput = {
  /** `IPAddressPool` objects, these and the others as the API server gives them. */
  readonly pools: readonly CustomResource[];
  readonly l2Advertisements: readonly CustomResource[];
  readonly bgpAdvertisements: readonly CustomResource[];
  /** In the form of `v1beta2`. */
  readonly bgpPeers: readonly CustomResource[];
  readonly bfdProfiles: readonly CustomResource[];
  readonly communities: readonly CustomResource[];
  /** The ConfigMap of old. */
  readonly legacy: ConfigMapView | undefined;
  readonly namespaces: readonly NamespaceView[];
  /** Which peers share a node is known by them; while none is known, all do. */
  readonly nodes: readonly Pick<NodeView, 'name' | 'labels'>[];
  readonly bgpType: BgpType;
  /** The namespace MetalLB runs in: custom resources elsewhere do not count. */
  readonly metallbNamespace: string;
};

/** An input of nothing: what a program does not watch. */
export const nothingConfigured = {
  pools: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  bgpPeers: [],
  bfdProfiles: [],
  communities: [],
  legacy: undefined,
  namespaces: [],
  nodes: [],
  bgpType: 'native',
} as const satisfies Omit<ConfigurationInput, 'metallbNamespace'>;
