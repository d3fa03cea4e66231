import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { assembleConfiguration, nothingConfigured } from '../../src/domain/config/assemble.ts';
import { kindOf, mapCollections } from '../../src/domain/config/collections.ts';
import type { Configuration } from '../../src/domain/config/configuration.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import { parseLegacyDocument } from '../../src/domain/legacy/parse-document.ts';
import { compareText } from '../../src/lib/sorted.ts';
import { convertText } from './convert-text.ts';
import { readManifest } from './read-manifest.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', `${name}.yaml`), 'utf8');

const documents = ['layer2', 'bgp', 'bfd', 'only-data'] as const;

const converted = (name: (typeof documents)[number]) => convertText(fixture(name), name === 'only-data');

test.each(documents)('%s gives the custom resources that MetalLB gives', (name) => {
  const { output, problems } = converted(name);
  expect(problems).toEqual([]);
  expect(output).toBe(fixture(`${name}.expected`));
});

type Written = CustomResource & { readonly kind: string };

/** The configuration of a cluster to which the converted objects were applied. */
const assembleOutput = (output: string, metallbNamespace: string): Configuration => {
  const objects = parseAllDocuments(output)
    .map((document) => document.toJS() as Written | null)
    .filter((object) => object !== null);
  const { configuration, problems } = assembleConfiguration({
    ...nothingConfigured,
    ...mapCollections((collection) => objects.filter(({ kind }) => kind === kindOf[collection])),
    metallbNamespace,
  });
  expect(problems).toEqual([]);
  return configuration;
};

/** The configuration of a cluster in which the ConfigMap is in use. */
const assembleLive = (name: (typeof documents)[number], metallbNamespace: string): Configuration => {
  const manifest = name === 'only-data' ? undefined : readManifest(fixture(name));
  const text = manifest?.ok ? manifest.value.config : fixture(name);
  const config = parseLegacyDocument(text);
  const legacy = { namespace: metallbNamespace, name: 'config', uid: 'u', isInUse: true, config };
  const { configuration, problems } = assembleConfiguration({ ...nothingConfigured, legacy, metallbNamespace });
  expect(problems).toEqual([]);
  return configuration;
};

const nodes = [
  {},
  { rack: 'frontend' },
  { rack: 'frontend', 'network-speed': 'slow' },
  { 'kubernetes.io/hostname': 'hostB' },
];

type Named = { readonly name: string };
type Comparable = { readonly pools: readonly Named[]; readonly bfdProfiles: readonly Named[] };

/** Without what cannot be compared, by the new names; of a selector is left what it makes of some nodes. */
const comparable = (configuration: Configuration): Comparable => {
  const text = JSON.stringify(configuration, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Set) return [...(value as Set<unknown>)];
    return typeof value === 'function' ? nodes.map((labels) => (value as (labels: object) => boolean)(labels)) : value;
  });
  const renamed = text
    .replaceAll('"Reserved_IPs"', '"reserved-ips"')
    .replaceAll('"Fast Detection"', '"fast-detection"');
  const { pools, bfdProfiles, ...rest } = JSON.parse(renamed) as Comparable;
  const byName = (a: Named, b: Named): number => compareText(a.name, b.name);
  return { ...rest, pools: pools.toSorted(byName), bfdProfiles: bfdProfiles.toSorted(byName) };
};

test.each(documents)('%s converted means what the ConfigMap means', (name) => {
  const namespace = name === 'bgp' ? 'load-balancing' : 'metallb-system';
  const { output = '' } = converted(name);
  expect(comparable(assembleOutput(output, namespace))).toEqual(comparable(assembleLive(name, namespace)));
});

test('what needs a look is told: new names of pools, and passwords', () => {
  expect(converted('layer2').warnings).toEqual([
    'the pool "Reserved_IPs" becomes "reserved-ips": services with the annotation metallb.io/address-pool or ' +
      'metallb.universe.tf/address-pool "Reserved_IPs" need "reserved-ips" there',
  ]);
  expect(converted('bfd').warnings).toEqual([
    'the BFD profile "Fast Detection" becomes "fast-detection", also where peers name it',
  ]);
  const [password, ...others] = converted('bgp').warnings;
  expect(password).toMatch(/^peers\[0\]\.password: the password stands in clear text/);
  expect(password).not.toContain('0123');
  expect(others).toEqual([]);
});

const pool = (name: string, addresses: string): string =>
  `{name: ${name}, protocol: layer2, addresses: [${addresses}]}`;

test.each([
  ['a syntax error', 'address-pools: [', /^data\.config: could not parse config: .* at line 1/],
  [
    'a wrong address',
    `address-pools: [${pool('a', '192.0.2.0')}]`,
    /^address-pools\[0\]\.addresses\[0\]: invalid CIDR "192\.0\.2\.0"/,
  ],
  [
    'an overlap',
    `address-pools: [${pool('a', '192.0.2.0/24')}, ${pool('b', '198.51.100.0/24, 192.0.2.7/32')}]`,
    /^address-pools\[1\]\.addresses\[1\]: .* overlaps with already defined CIDR "192\.0\.2\.0\/24"/,
  ],
  [
    'a BFD profile that is not there',
    'peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, bfd-profile: a}]',
    /^peers\[0\]\.bfd-profile: .*referencing non existing bfd profile a/,
  ],
  [
    'a community that is not there',
    'address-pools: [{name: a, protocol: bgp, addresses: [192.0.2.0/24], bgp-advertisements: [{communities: [b]}]}]',
    /^address-pools\[0\]\.bgp-advertisements\[0\]\.communities\[0\]: invalid community "b" in BGP advertisement/,
  ],
  [
    'an aggregation that is too short',
    'address-pools: [{name: a, protocol: bgp, addresses: [192.0.2.0/25], bgp-advertisements: [{aggregation-length: 24}]}]',
    /^address-pools\[0\]\.bgp-advertisements\[0\].*: invalid aggregation length 24/,
  ],
  [
    'a port that a BGPPeer may not have',
    'peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, peer-port: 20000}]',
    /^peers\[0\]\.peer-port: a BGPPeer may have a port up to 16384, not 20000/,
  ],
  [
    'a name without a letter',
    `address-pools: [${pool('123', '192.0.2.0/24')}]`,
    /^address-pools\[0\]\.name: failed to make "123" K8S compatible/,
  ],
  [
    'names that become one',
    `address-pools: [${pool('a-b', '192.0.2.0/24')}, ${pool('A_b', '198.51.100.0/24')}]`,
    /^address-pools\[1\]\.name: "A_b" and "a-b" would both be called "a-b": rename one of them/,
  ],
  ['nothing at all', '# empty', /^there is nothing in it$/],
])('%s gives no output', (_, text, problem) => {
  const { output, problems } = convertText(text, true);
  expect(problems).toEqual([expect.stringMatching(problem)]);
  expect(output).toBeUndefined();
});

test('of what stands there twice one is converted, with a warning', () => {
  const { output, warnings } = convertText('peers: [&a {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}, *a]', true);
  expect(output?.match(/kind: BGPPeer/g)).toHaveLength(1);
  expect(warnings).toEqual(['peers[1]: peer #2 already exists']);
});

test('a list of objects is searched for the ConfigMap', () => {
  const list = {
    kind: 'List',
    items: [{ kind: 'Secret' }, { kind: 'ConfigMap', data: { config: fixture('only-data') } }],
  };
  expect(convertText(JSON.stringify(list), false).output).toBe(fixture('only-data.expected'));
});

test.each([
  ['a: [', /^not YAML: /],
  ['', /^not a configmap/],
  ['kind: Secret', /^not a configmap/],
  ['kind: ConfigMap', /^bad ConfigMap: no data/],
  ['kind: ConfigMap\ndata: {config: "\\n"}', /^bad ConfigMap: no data/],
  ['kind: ConfigMap\ndata: {config: a}\n---\nkind: ConfigMap\ndata: {config: b}', /^more than one ConfigMap/],
])('%j is no manifest of a ConfigMap', (manifest, problem) => {
  expect(convertText(manifest, false)).toEqual({
    output: undefined,
    problems: [expect.stringMatching(problem)],
    warnings: [],
  });
});
