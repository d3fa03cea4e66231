import type { Collection } from '../domain/config/collections.ts';

/** Where an API server keeps one kind of object. */
export type Resource = {
  /** `v1`, `metallb.io/v1beta1`: as `apiVersion` stands in an object. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural name in paths. */
  readonly plural: string;
  readonly isNamespaced: boolean;
};

const namespaced = (apiVersion: string, kind: string, plural: string): Resource => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: true,
});

const clusterScoped = (apiVersion: string, kind: string, plural: string): Resource => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: false,
});

/** The kinds that we read or write. */
export const resources = {
  services: namespaced('v1', 'Service', 'services'),
  events: namespaced('v1', 'Event', 'events'),
  secrets: namespaced('v1', 'Secret', 'secrets'),
  pods: namespaced('v1', 'Pod', 'pods'),
  configMaps: namespaced('v1', 'ConfigMap', 'configmaps'),
  nodes: clusterScoped('v1', 'Node', 'nodes'),
  namespaces: clusterScoped('v1', 'Namespace', 'namespaces'),
  endpointSlices: namespaced('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  deployments: namespaced('apps/v1', 'Deployment', 'deployments'),
  leases: namespaced('coordination.k8s.io/v1', 'Lease', 'leases'),
  tokenReviews: clusterScoped('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews'),
  subjectAccessReviews: clusterScoped('authorization.k8s.io/v1', 'SubjectAccessReview', 'subjectaccessreviews'),
  customResourceDefinitions: clusterScoped(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
  ),
  validatingWebhookConfigurations: clusterScoped(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
  ),
  ipAddressPools: namespaced('metallb.io/v1beta1', 'IPAddressPool', 'ipaddresspools'),
  l2Advertisements: namespaced('metallb.io/v1beta1', 'L2Advertisement', 'l2advertisements'),
  bgpAdvertisements: namespaced('metallb.io/v1beta1', 'BGPAdvertisement', 'bgpadvertisements'),
  bgpPeers: namespaced('metallb.io/v1beta2', 'BGPPeer', 'bgppeers'),
  bfdProfiles: namespaced('metallb.io/v1beta1', 'BFDProfile', 'bfdprofiles'),
  communities: namespaced('metallb.io/v1beta1', 'Community', 'communities'),
  configurationStates: namespaced('metallb.io/v1beta1', 'ConfigurationState', 'configurationstates'),
  serviceL2Statuses: namespaced('metallb.io/v1beta1', 'ServiceL2Status', 'servicel2statuses'),
  serviceBgpStatuses: namespaced('metallb.io/v1beta1', 'ServiceBGPStatus', 'servicebgpstatuses'),
} as const satisfies Record<string, Resource>;

/** Those that a configuration is made of. */
export const configurationResources = {
  pools: resources.ipAddressPools,
  l2Advertisements: resources.l2Advertisements,
  bgpAdvertisements: resources.bgpAdvertisements,
  bgpPeers: resources.bgpPeers,
  bfdProfiles: resources.bfdProfiles,
  communities: resources.communities,
} as const satisfies Readonly<Record<Collection, Resource>>;

/** The path of all objects of a kind: of one namespace, or of the whole cluster. */
export const collectionPath = (resource: Resource, namespace?: string): string => {
  const root = resource.apiVersion.includes('/') ? '/apis' : '/api';
  const folder = resource.isNamespaced && namespace !== undefined ? `/namespaces/${escape(namespace)}` : '';
  return `${root}/${resource.apiVersion}${folder}/${resource.plural}`;
};

/** The path of one object or of a subresource such as `status`. `namespace` is undefined for cluster-scoped kinds. */
export const objectPath = (
  resource: Resource,
  namespace: string | undefined,
  name: string,
  subresource?: string,
): string => {
  if (resource.isNamespaced && namespace === undefined) throw new Error(`${resource.kind} ${name} needs a namespace`);
  const path = `${collectionPath(resource, namespace)}/${escape(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
};

const escape = encodeURIComponent;
