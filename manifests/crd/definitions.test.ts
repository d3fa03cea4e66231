import { expect, test } from 'vitest';
import { customResourceDefinitions } from './definitions.ts';
import type { OpenApiSchema } from './open-api.ts';

type Version = {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecationWarning?: string;
  readonly additionalPrinterColumns?: readonly {
    readonly name: string;
    readonly jsonPath: string;
    readonly type: string;
  }[];
  readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
};

const names = customResourceDefinitions.map(({ metadata }) => metadata.name.replace('.metallb.io', ''));

const versionsOf = (name: string): readonly Version[] => {
  const definition = customResourceDefinitions.find(({ metadata }) => metadata.name === `${name}.metallb.io`);
  return definition!.spec['versions'] as Version[];
};

const schemaOf = (name: string, version = 0): OpenApiSchema => versionsOf(name)[version]!.schema.openAPIV3Schema;

const specOf = (name: string, version = 0): OpenApiSchema =>
  (schemaOf(name, version)['properties'] as Record<string, OpenApiSchema>)['spec']!;

/** Every field of a schema by its path, with its type: `spec.addresses[]: string`. */
const fieldsOf = (schema: OpenApiSchema, path = ''): string[] => [
  ...(path === '' ? [] : [`${path}: ${String(schema['type'])}`]),
  ...Object.entries((schema['properties'] ?? {}) as Record<string, OpenApiSchema>).flatMap(([name, property]) =>
    fieldsOf(property, path === '' ? name : `${path}.${name}`),
  ),
  ...('items' in schema ? fieldsOf(schema['items'] as OpenApiSchema, `${path}[]`) : []),
];

const selector = (path: string): string[] => [
  `${path}: array`,
  `${path}[]: object`,
  `${path}[].matchLabels: object`,
  `${path}[].matchExpressions: array`,
  `${path}[].matchExpressions[]: object`,
  `${path}[].matchExpressions[].key: string`,
  `${path}[].matchExpressions[].operator: string`,
  `${path}[].matchExpressions[].values: array`,
  `${path}[].matchExpressions[].values[]: string`,
];

const texts = (path: string): string[] => [`${path}: array`, `${path}[]: string`];

const common = ['apiVersion: string', 'kind: string', 'metadata: object'];

test('IPAddressPool has the fields of MetalLB', () => {
  const schema = schemaOf('ipaddresspools');
  expect(schema['required']).toEqual(['spec']);
  expect(fieldsOf(schema)).toEqual([
    ...common,
    'spec: object',
    'spec.addresses: array',
    'spec.addresses[]: string',
    'spec.autoAssign: boolean',
    'spec.avoidBuggyIPs: boolean',
    'spec.serviceAllocation: object',
    'spec.serviceAllocation.priority: integer',
    'spec.serviceAllocation.namespaces: array',
    'spec.serviceAllocation.namespaces[]: string',
    ...selector('spec.serviceAllocation.namespaceSelectors'),
    ...selector('spec.serviceAllocation.serviceSelectors'),
    'status: object',
    'status.assignedIPv4: integer',
    'status.assignedIPv6: integer',
    'status.availableIPv4: integer',
    'status.availableIPv6: integer',
  ]);
});

test('L2Advertisement has the fields of MetalLB', () => {
  const schema = schemaOf('l2advertisements');
  expect(schema['required']).toBeUndefined();
  expect(fieldsOf(schema)).toEqual([
    ...common,
    'spec: object',
    'spec.ipAddressPools: array',
    'spec.ipAddressPools[]: string',
    ...selector('spec.ipAddressPoolSelectors'),
    ...selector('spec.nodeSelectors'),
    'spec.interfaces: array',
    'spec.interfaces[]: string',
    ...selector('spec.serviceSelectors'),
    'spec.preferredNodeSelectors: array',
    'spec.preferredNodeSelectors[]: object',
    'spec.preferredNodeSelectors[].weight: integer',
    'spec.preferredNodeSelectors[].preference: object',
    ...selector('spec.preferredNodeSelectors[].preference')
      .slice(2)
      .map((path) => path.replace('preference[]', 'preference')),
    'status: object',
  ]);
});

test('BGPAdvertisement has the fields of MetalLB', () => {
  const schema = schemaOf('bgpadvertisements');
  expect(schema['required']).toBeUndefined();
  expect(specOf('bgpadvertisements')['required']).toBeUndefined();
  expect(fieldsOf(schema)).toEqual([
    ...common,
    'spec: object',
    'spec.aggregationLength: integer',
    'spec.aggregationLengthV6: integer',
    'spec.localPref: integer',
    ...texts('spec.communities'),
    ...texts('spec.ipAddressPools'),
    ...selector('spec.ipAddressPoolSelectors'),
    ...selector('spec.nodeSelectors'),
    ...texts('spec.peers'),
    ...selector('spec.serviceSelectors'),
    'status: object',
  ]);
});

test('BGPPeer has the fields of MetalLB', () => {
  expect(specOf('bgppeers', 1)['required']).toEqual(['myASN']);
  expect(fieldsOf(schemaOf('bgppeers', 1))).toEqual([
    ...common,
    'spec: object',
    'spec.myASN: integer',
    'spec.peerASN: integer',
    'spec.localASN: integer',
    'spec.dynamicASN: string',
    'spec.peerAddress: string',
    'spec.interface: string',
    'spec.sourceAddress: string',
    'spec.peerPort: integer',
    'spec.holdTime: string',
    'spec.keepaliveTime: string',
    'spec.connectTime: string',
    'spec.routerID: string',
    ...selector('spec.nodeSelectors'),
    'spec.password: string',
    'spec.passwordSecret: object',
    'spec.passwordSecret.name: string',
    'spec.passwordSecret.namespace: string',
    'spec.bfdProfile: string',
    'spec.enableGracefulRestart: boolean',
    'spec.ebgpMultiHop: boolean',
    'spec.vrf: string',
    'spec.disableMP: boolean',
    'spec.dualStackAddressFamily: boolean',
    'status: object',
  ]);
});

test('BGPPeer v1beta1 has the fields of MetalLB', () => {
  expect(specOf('bgppeers', 0)['required']).toEqual(['myASN', 'peerASN', 'peerAddress']);
  expect(fieldsOf(schemaOf('bgppeers', 0))).toEqual([
    ...common,
    'spec: object',
    'spec.myASN: integer',
    'spec.peerASN: integer',
    'spec.peerAddress: string',
    'spec.sourceAddress: string',
    'spec.peerPort: integer',
    'spec.holdTime: string',
    'spec.keepaliveTime: string',
    'spec.routerID: string',
    ...selector('spec.nodeSelectors'),
    'spec.password: string',
    'spec.bfdProfile: string',
    'spec.ebgpMultiHop: boolean',
    'status: object',
  ]);
});

test('BFDProfile and Community have the fields of MetalLB', () => {
  expect(fieldsOf(schemaOf('bfdprofiles'))).toEqual([
    ...common,
    'spec: object',
    'spec.receiveInterval: integer',
    'spec.transmitInterval: integer',
    'spec.detectMultiplier: integer',
    'spec.echoInterval: integer',
    'spec.echoMode: boolean',
    'spec.passiveMode: boolean',
    'spec.minimumTtl: integer',
    'status: object',
  ]);
  expect(fieldsOf(schemaOf('communities'))).toEqual([
    ...common,
    'spec: object',
    'spec.communities: array',
    'spec.communities[]: object',
    'spec.communities[].name: string',
    'spec.communities[].value: string',
    'status: object',
  ]);
});

test('the kinds that hold a status have the fields of MetalLB, and ServiceL2Status conditions', () => {
  const conditions = [
    'status.conditions: array',
    'status.conditions[]: object',
    'status.conditions[].type: string',
    'status.conditions[].status: string',
    'status.conditions[].reason: string',
    'status.conditions[].message: string',
    'status.conditions[].lastTransitionTime: string',
    'status.conditions[].observedGeneration: integer',
  ];
  const announcement = ['status.node: string', 'status.serviceName: string', 'status.serviceNamespace: string'];
  expect(fieldsOf(schemaOf('configurationstates'))).toEqual([
    ...common,
    'status: object',
    'status.result: string',
    'status.errorSummary: string',
    ...conditions,
  ]);
  expect(fieldsOf(schemaOf('servicel2statuses'))).toEqual([
    ...common,
    'spec: object',
    'status: object',
    ...announcement,
    'status.interfaces: array',
    'status.interfaces[]: object',
    'status.interfaces[].name: string',
    ...conditions,
  ]);
  expect(fieldsOf(schemaOf('servicebgpstatuses'))).toEqual([
    ...common,
    'spec: object',
    'status: object',
    ...announcement,
    ...texts('status.peers'),
  ]);
});

test('every kind has one version that is stored, and the other of BGPPeer is deprecated', () => {
  const versions = names.flatMap((name) =>
    versionsOf(name).map(({ name: version, served, storage, deprecationWarning }) =>
      [name, version, served && 'served', storage && 'stored', deprecationWarning].filter(Boolean).join(' '),
    ),
  );
  expect(versions).toEqual([
    'ipaddresspools v1beta1 served stored',
    'l2advertisements v1beta1 served stored',
    'bgpadvertisements v1beta1 served stored',
    'bgppeers v1beta1 served v1beta1 is deprecated, please use v1beta2',
    'bgppeers v1beta2 served stored',
    'bfdprofiles v1beta1 served stored',
    'communities v1beta1 served stored',
    'configurationstates v1beta1 served stored',
    'servicel2statuses v1beta1 served stored',
    'servicebgpstatuses v1beta1 served stored',
  ]);
});

test('only BGPPeers are converted, by the service that MetalLB has for it, and nobody is trusted yet', () => {
  const conversions = customResourceDefinitions.filter(({ spec }) => 'conversion' in spec);
  expect(conversions.map(({ spec }) => spec['conversion'])).toEqual([
    {
      strategy: 'Webhook',
      webhook: {
        clientConfig: {
          service: { name: 'metallb-webhook-service', namespace: 'metallb-system', path: '/convert' },
        },
        conversionReviewVersions: ['v1', 'v1beta1'],
      },
    },
  ]);
});

test('kubectl shows the columns of MetalLB', () => {
  const columns = (name: string, version = 0) =>
    versionsOf(name)[version]!.additionalPrinterColumns?.map((column) => Object.values(column).join(' '));
  expect(columns('ipaddresspools')).toEqual([
    'Auto Assign .spec.autoAssign boolean',
    'Avoid Buggy IPs .spec.avoidBuggyIPs boolean',
    'Addresses .spec.addresses string',
  ]);
  expect(columns('l2advertisements')).toEqual([
    'IPAddressPools .spec.ipAddressPools string',
    'IPAddressPool Selectors .spec.ipAddressPoolSelectors string',
    'Interfaces .spec.interfaces string',
    'Node Selectors .spec.nodeSelectors string 10',
  ]);
  expect(columns('bgpadvertisements')).toEqual([
    'IPAddressPools .spec.ipAddressPools string',
    'IPAddressPool Selectors .spec.ipAddressPoolSelectors string',
    'Peers .spec.peers string',
    'Node Selectors .spec.nodeSelectors string 10',
  ]);
  expect(columns('bgppeers')).toEqual([
    'Address .spec.peerAddress string',
    'ASN .spec.peerASN string',
    'BFD Profile .spec.bfdProfile string',
    'Multi Hops .spec.ebgpMultiHop string',
  ]);
  expect(columns('bgppeers', 1)).toEqual(columns('bgppeers'));
  expect(columns('bfdprofiles')).toEqual([
    'Passive Mode .spec.passiveMode boolean',
    'Transmit Interval .spec.transmitInterval integer',
    'Receive Interval .spec.receiveInterval integer',
    'Multiplier .spec.detectMultiplier integer',
  ]);
  expect(columns('communities')).toBeUndefined();
  expect(columns('configurationstates')).toEqual([
    'Result .status.result string',
    'ErrorSummary .status.errorSummary string',
    'Age .metadata.creationTimestamp date',
  ]);
  expect(columns('servicel2statuses')).toEqual([
    'Allocated Node .status.node string',
    'Service Name .status.serviceName string',
    'Service Namespace .status.serviceNamespace string',
  ]);
  expect(columns('servicebgpstatuses')).toEqual([
    'Node .status.node string',
    'Service Name .status.serviceName string',
    'Service Namespace .status.serviceNamespace string',
  ]);
});

/** Bounds and defaults of the fields of a spec, as far as they have any. */
const rulesOf = (name: string, version = 0): Record<string, string> =>
  Object.fromEntries(
    Object.entries(specOf(name, version)['properties'] as Record<string, OpenApiSchema>).flatMap(([field, schema]) => {
      const { minimum, maximum, default: preset } = schema;
      const text = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value));
      const bounds = minimum === undefined && maximum === undefined ? [] : [`${text(minimum)}..${text(maximum)}`];
      const words = [...bounds, ...(preset === undefined ? [] : [`default ${text(preset)}`])];
      return words.length === 0 ? [] : [[field, words.join(' ')]];
    }),
  );

test('numbers have the bounds and defaults of MetalLB', () => {
  expect(rulesOf('bgppeers', 0)).toEqual({
    myASN: '0..4294967295',
    peerASN: '0..4294967295',
    peerPort: '0..16384',
  });
  expect(rulesOf('bgppeers', 1)).toEqual({
    myASN: '0..4294967295',
    peerASN: '0..4294967295',
    localASN: '1..4294967295',
    peerPort: '1..16384 default 179',
    disableMP: 'default false',
    dualStackAddressFamily: 'default false',
  });
  expect(rulesOf('bgpadvertisements')).toEqual({
    aggregationLength: '1..32 default 32',
    aggregationLengthV6: '0..128 default 128',
    localPref: '0..4294967295',
  });
  expect(rulesOf('bfdprofiles')).toEqual({
    receiveInterval: '10..60000',
    transmitInterval: '10..60000',
    detectMultiplier: '2..255',
    echoInterval: '10..60000',
    minimumTtl: '1..254',
  });
});

test('every field has a text for kubectl explain', () => {
  const silent = (schema: OpenApiSchema, path: string): string[] => [
    ...Object.entries((schema['properties'] ?? {}) as Record<string, OpenApiSchema>).flatMap(([name, property]) => [
      ...('description' in property ? [] : [`${path}.${name}`]),
      ...silent(property, `${path}.${name}`),
    ]),
    ...('items' in schema ? silent(schema['items'] as OpenApiSchema, `${path}[]`) : []),
  ];
  const schemas = names.flatMap((name) => versionsOf(name).map(({ schema }) => schema.openAPIV3Schema));
  expect(schemas).toHaveLength(10);
  // The server brings its own text for metadata.
  for (const schema of schemas) expect(silent(schema, '')).toEqual(['.metadata']);
});
