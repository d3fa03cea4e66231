import { expect, test } from 'vitest';
import { customResourceDefinitions } from './definitions.ts';
import type { OpenApiSchema } from './open-api.ts';

type Version = {
  readonly additionalPrinterColumns: readonly {
    readonly name: string;
    readonly jsonPath: string;
    readonly type: string;
  }[];
  readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
};

const versionOf = (name: string): Version => {
  const definition = customResourceDefinitions.find(({ metadata }) => metadata.name === `${name}.metallb.io`);
  return (definition!.spec['versions'] as Version[])[0]!;
};

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

const common = ['apiVersion: string', 'kind: string', 'metadata: object'];

test('IPAddressPool has the fields of MetalLB', () => {
  const schema = versionOf('ipaddresspools').schema.openAPIV3Schema;
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
  const schema = versionOf('l2advertisements').schema.openAPIV3Schema;
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

test('kubectl shows the columns of MetalLB', () => {
  const columns = (name: string) =>
    versionOf(name).additionalPrinterColumns.map((column) => Object.values(column).join(' '));
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
});

test('every field has a text for kubectl explain', () => {
  const silent = (schema: OpenApiSchema, path: string): string[] => [
    ...Object.entries((schema['properties'] ?? {}) as Record<string, OpenApiSchema>).flatMap(([name, property]) => [
      ...('description' in property ? [] : [`${path}.${name}`]),
      ...silent(property, `${path}.${name}`),
    ]),
    ...('items' in schema ? silent(schema['items'] as OpenApiSchema, `${path}[]`) : []),
  ];
  // The server brings its own text for metadata.
  expect(silent(versionOf('ipaddresspools').schema.openAPIV3Schema, '')).toEqual(['.metadata']);
  expect(silent(versionOf('l2advertisements').schema.openAPIV3Schema, '')).toEqual(['.metadata']);
});
