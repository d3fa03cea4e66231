import type * as z from 'zod/mini';
import { ipAddressPool } from '../../domain/resources/ip-address-pool.ts';
import { l2Advertisement } from '../../domain/resources/l2-advertisement.ts';
import { type OpenApiSchema, toOpenApiSchema } from './open-api.ts';

/** A column of `kubectl get`; one of a priority above 0 is shown by `-o wide` only. */
type PrinterColumn = {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: 'string' | 'boolean' | 'integer' | 'date';
  readonly priority?: number;
};

/** A custom resource of the group `metallb.io`: namespaced, one version, with a status of its own. */
type ResourceKind = {
  readonly kind: string;
  readonly plural: string;
  readonly version: string;
  readonly schema: z.ZodMiniType;
  readonly printerColumns: readonly PrinterColumn[];
};

const resourceKinds: readonly ResourceKind[] = [
  {
    kind: 'IPAddressPool',
    plural: 'ipaddresspools',
    version: 'v1beta1',
    schema: ipAddressPool,
    printerColumns: [
      { name: 'Auto Assign', jsonPath: '.spec.autoAssign', type: 'boolean' },
      { name: 'Avoid Buggy IPs', jsonPath: '.spec.avoidBuggyIPs', type: 'boolean' },
      { name: 'Addresses', jsonPath: '.spec.addresses', type: 'string' },
    ],
  },
  {
    kind: 'L2Advertisement',
    plural: 'l2advertisements',
    version: 'v1beta1',
    schema: l2Advertisement,
    printerColumns: [
      { name: 'IPAddressPools', jsonPath: '.spec.ipAddressPools', type: 'string' },
      { name: 'IPAddressPool Selectors', jsonPath: '.spec.ipAddressPoolSelectors', type: 'string' },
      { name: 'Interfaces', jsonPath: '.spec.interfaces', type: 'string' },
      { name: 'Node Selectors', jsonPath: '.spec.nodeSelectors', type: 'string', priority: 10 },
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

const definitionOf = ({ kind, plural, version, schema, printerColumns }: ResourceKind): CustomResourceDefinition => {
  const { properties, ...keywords } = toOpenApiSchema(schema);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: printerColumns,
          schema: {
            openAPIV3Schema: { ...keywords, properties: { ...objectProperties, ...(properties as OpenApiSchema) } },
          },
        },
      ],
    },
  };
};

/** The definitions of all our custom resources. */
export const customResourceDefinitions: readonly CustomResourceDefinition[] = resourceKinds.map(definitionOf);
