import type * as z from 'zod/mini';
import { bfdProfile } from '../../src/domain/resources/bfd-profile.ts';
import { bgpAdvertisement } from '../../src/domain/resources/bgp-advertisement.ts';
import { bgpPeer, bgpPeerV1beta1 } from '../../src/domain/resources/bgp-peer.ts';
import { community } from '../../src/domain/resources/community.ts';
import { configurationState } from '../../src/domain/resources/configuration-state.ts';
import { ipAddressPool } from '../../src/domain/resources/ip-address-pool.ts';
import { l2Advertisement } from '../../src/domain/resources/l2-advertisement.ts';
import { serviceBgpStatus } from '../../src/domain/resources/service-bgp-status.ts';
import { serviceL2Status } from '../../src/domain/resources/service-l2-status.ts';
import { type OpenApiSchema, toOpenApiSchema } from './open-api.ts';

/** A column of `kubectl get`; one of a priority above 0 is shown by `-o wide` only. */
type PrinterColumn = {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: 'string' | 'boolean' | 'integer' | 'date';
  readonly priority?: number;
};

/** A version of a kind; all are served. */
type Version = {
  readonly name: string;
  readonly schema: z.ZodMiniType;
  /** What a client that uses this version is warned of. */
  readonly deprecationWarning?: string;
};

/** A custom resource of the group `metallb.io`: namespaced, with a status of its own. */
type ResourceKind = {
  readonly kind: string;
  readonly plural: string;
  /** Objects are stored in the last one. */
  readonly versions: readonly Version[];
  readonly printerColumns: readonly PrinterColumn[];
  /** How one version becomes another; needed if there are several. */
  readonly conversion?: OpenApiSchema;
};

const v1beta1 = (schema: z.ZodMiniType): readonly Version[] => [{ name: 'v1beta1', schema }];

const column = (
  name: string,
  jsonPath: string,
  type: PrinterColumn['type'] = 'string',
  priority?: number,
): PrinterColumn => ({ name, jsonPath, type, ...(priority !== undefined && { priority }) });

/**
 * The controller converts BGPPeers, and puts the certificate to trust (`caBundle`) in here itself. The versions are
 * those of the ConversionReview, not of the BGPPeer: v1 is what API servers have sent since Kubernetes 1.16, and a
 * server refuses a definition in which it knows none.
 */
const bgpPeerConversion = {
  strategy: 'Webhook',
  webhook: {
    clientConfig: {
      service: { name: 'metallb-webhook-service', namespace: 'metallb-system', path: '/convert' },
    },
    conversionReviewVersions: ['v1', 'v1beta1'],
  },
};

const resourceKinds: readonly ResourceKind[] = [
  {
    kind: 'IPAddressPool',
    plural: 'ipaddresspools',
    versions: v1beta1(ipAddressPool),
    printerColumns: [
      column('Auto Assign', '.spec.autoAssign', 'boolean'),
      column('Avoid Buggy IPs', '.spec.avoidBuggyIPs', 'boolean'),
      column('Addresses', '.spec.addresses'),
    ],
  },
  {
    kind: 'L2Advertisement',
    plural: 'l2advertisements',
    versions: v1beta1(l2Advertisement),
    printerColumns: [
      column('IPAddressPools', '.spec.ipAddressPools'),
      column('IPAddressPool Selectors', '.spec.ipAddressPoolSelectors'),
      column('Interfaces', '.spec.interfaces'),
      column('Node Selectors', '.spec.nodeSelectors', 'string', 10),
    ],
  },
  {
    kind: 'BGPAdvertisement',
    plural: 'bgpadvertisements',
    versions: v1beta1(bgpAdvertisement),
    printerColumns: [
      column('IPAddressPools', '.spec.ipAddressPools'),
      column('IPAddressPool Selectors', '.spec.ipAddressPoolSelectors'),
      column('Peers', '.spec.peers'),
      column('Node Selectors', '.spec.nodeSelectors', 'string', 10),
    ],
  },
  {
    kind: 'BGPPeer',
    plural: 'bgppeers',
    versions: [
      {
        name: 'v1beta1',
        schema: bgpPeerV1beta1,
        deprecationWarning: 'v1beta1 is deprecated, please use v1beta2',
      },
      { name: 'v1beta2', schema: bgpPeer },
    ],
    printerColumns: [
      column('Address', '.spec.peerAddress'),
      column('ASN', '.spec.peerASN'),
      column('BFD Profile', '.spec.bfdProfile'),
      column('Multi Hops', '.spec.ebgpMultiHop'),
    ],
    conversion: bgpPeerConversion,
  },
  {
    kind: 'BFDProfile',
    plural: 'bfdprofiles',
    versions: v1beta1(bfdProfile),
    printerColumns: [
      column('Passive Mode', '.spec.passiveMode', 'boolean'),
      column('Transmit Interval', '.spec.transmitInterval', 'integer'),
      column('Receive Interval', '.spec.receiveInterval', 'integer'),
      column('Multiplier', '.spec.detectMultiplier', 'integer'),
    ],
  },
  { kind: 'Community', plural: 'communities', versions: v1beta1(community), printerColumns: [] },
  {
    kind: 'ConfigurationState',
    plural: 'configurationstates',
    versions: v1beta1(configurationState),
    printerColumns: [
      column('Result', '.status.result'),
      column('ErrorSummary', '.status.errorSummary'),
      column('Age', '.metadata.creationTimestamp', 'date'),
    ],
  },
  {
    kind: 'ServiceL2Status',
    plural: 'servicel2statuses',
    versions: v1beta1(serviceL2Status),
    printerColumns: [
      column('Allocated Node', '.status.node'),
      column('Service Name', '.status.serviceName'),
      column('Service Namespace', '.status.serviceNamespace'),
    ],
  },
  {
    kind: 'ServiceBGPStatus',
    plural: 'servicebgpstatuses',
    versions: v1beta1(serviceBgpStatus),
    printerColumns: [
      column('Node', '.status.node'),
      column('Service Name', '.status.serviceName'),
      column('Service Namespace', '.status.serviceNamespace'),
    ],
  },
];

/** A `CustomResourceDefinition` (`apiextensions.k8s.io/v1`), as far as a generator has to know it. */
export type CustomResourceDefinition = {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: { readonly [field: string]: unknown };
};

const group = 'metallb.io';

/** What every object has beside its spec and status. */
const objectProperties: OpenApiSchema = {
  apiVersion: {
    description: 'The version of the schema this object is written in, such as metallb.io/v1beta1.',
    type: 'string',
  },
  kind: { description: 'The kind of resource this object is.', type: 'string' },
  metadata: { type: 'object' },
};

const versionOf = ({ versions, printerColumns }: ResourceKind, version: Version): OpenApiSchema => {
  const { properties, ...keywords } = toOpenApiSchema(version.schema);
  return {
    name: version.name,
    served: true,
    storage: version === versions.at(-1),
    ...(version.deprecationWarning !== undefined && {
      deprecated: true,
      deprecationWarning: version.deprecationWarning,
    }),
    subresources: { status: {} },
    // The API server does not keep an empty list.
    ...(printerColumns.length > 0 && { additionalPrinterColumns: printerColumns }),
    schema: {
      openAPIV3Schema: { ...keywords, properties: { ...objectProperties, ...(properties as OpenApiSchema) } },
    },
  };
};

const definitionOf = (resourceKind: ResourceKind): CustomResourceDefinition => {
  const { kind, plural, versions, conversion } = resourceKind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      ...(conversion !== undefined && { conversion }),
      versions: versions.map((version) => versionOf(resourceKind, version)),
    },
  };
};

/** The definitions of all our custom resources. */
export const customResourceDefinitions: readonly CustomResourceDefinition[] = resourceKinds.map(definitionOf);
