import type { BgpType } from '../../lib/bgp-type.ts';
import type { ConfigMapView, NamespaceView, NodeView } from '../objects.ts';
import { type Collection, mapCollections } from './collections.ts';
import type { CustomResource } from './custom-resource.ts';

/** The custom resources as the API server gives them; `BGPPeer` objects in the form of `v1beta2`. */
export type ConfigurationResources = Readonly<Record<Collection, readonly CustomResource[]>>;

/** Everything the configuration is made of. */
export type ConfigurationInput = ConfigurationResources & {
  /** The ConfigMap of old. */
  readonly legacy: ConfigMapView | undefined;
  readonly namespaces: readonly NamespaceView[];
  /** Which peers share a node is known by them; while none is known, all do. */
  readonly nodes: readonly Pick<NodeView, 'name' | 'labels'>[];
  readonly bgpType: BgpType;
  /** The namespace MetalLB runs in: custom resources elsewhere do not count. */
  readonly metallbNamespace: string;
};

export const noResources: ConfigurationResources = mapCollections(() => []);

/** An input of nothing: what a program does not watch. */
export const nothingConfigured = {
  ...noResources,
  legacy: undefined,
  namespaces: [],
  nodes: [],
  bgpType: 'native',
} as const satisfies Omit<ConfigurationInput, 'metallbNamespace'>;
