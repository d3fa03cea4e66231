import type { Result } from '../../lib/result.ts';
import { assembleConfiguration, nothingConfigured } from '../config/assemble.ts';
import { type Collection, type ConfigurationKind, kindOf } from '../config/collections.ts';
import type { CustomResource } from '../config/custom-resource.ts';
import type { ConfigurationResources } from '../config/input.ts';
import { annotationKeys } from '../objects.ts';
import { kubernetesName } from './kubernetes-name.ts';
import { legacyResources } from './legacy-resources.ts';

/** A custom resource as it is applied. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: ConfigurationKind;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
};

/** What came of a conversion. With problems there is nothing to apply. */
export type Conversion = {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly string[];
  /** What is converted and needs a look. */
  readonly warnings: readonly string[];
};

/** The highest port that a `BGPPeer` may have. The ConfigMap knew no such bound. */
const highestPort = 16_384;

/** In the order of MetalLB's converter. */
const order = [
  'bgpPeers',
  'pools',
  'bgpAdvertisements',
  'l2Advertisements',
  'bfdProfiles',
  'communities',
] as const satisfies readonly Collection[];

/**
 * Turns the document of a ConfigMap, as `parseLegacyDocument` gives it, into the custom resources that say the same.
 * They are checked together, as those of a cluster are.
 */
export const convert = (config: Result<unknown>, namespace: string): Conversion => {
  const view = { namespace, name: 'config', uid: '', isInUse: true, config };
  const { resources, problems: faults } = legacyResources(view, namespace);
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const { field, message, severity } of [...faults, ...checkTogether(resources, namespace)]) {
    (severity === 'error' ? problems : warnings).push(field === '' ? message : `${field}: ${message}`);
  }

  const pools = renaming(resources.pools, problems);
  const profiles = renaming(resources.bfdProfiles, problems);
  warnings.push(...renamedPools(pools), ...renamedProfiles(profiles));
  for (const { spec, origin } of resources.bgpPeers) {
    const { password, peerPort } = spec as { readonly password?: string; readonly peerPort?: number };
    if (peerPort !== undefined && peerPort > highestPort) {
      problems.push(`${origin?.path}.peer-port: a BGPPeer may have a port up to ${highestPort}, not ${peerPort}`);
    }
    if (password !== undefined) {
      warnings.push(
        `${origin?.path}.password: the password stands in clear text in the BGPPeer; better put it into a Secret of type ` +
          'kubernetes.io/basic-auth and name that in passwordSecret',
      );
    }
  }
  if (problems.length > 0) return { manifests: [], problems, warnings };

  const newNames: Readonly<Partial<Record<Collection, Renaming>>> = { pools, bfdProfiles: profiles };
  const manifests = order.flatMap((collection) =>
    resources[collection].map(({ metadata: { name }, spec }) => ({
      apiVersion: collection === 'bgpPeers' ? 'metallb.io/v1beta2' : 'metallb.io/v1beta1',
      kind: kindOf[collection],
      metadata: { name: newNames[collection]?.get(name) ?? name, namespace },
      spec: withNewNames(spec as object, pools, profiles),
    })),
  );
  return { manifests, problems, warnings };
};

const checkTogether = (resources: ConfigurationResources, metallbNamespace: string) =>
  assembleConfiguration({ ...nothingConfigured, ...resources, metallbNamespace }).problems;

/** New names by old ones; two that become one are a problem. */
type Renaming = ReadonlyMap<string, string>;

const renaming = (resources: readonly CustomResource[], problems: string[]): Renaming => {
  const names = new Map<string, string>();
  const holders = new Map<string, string>();
  for (const { metadata, origin } of resources) {
    const name = kubernetesName(metadata.name);
    const holder = name.ok ? holders.get(name.value) : undefined;
    if (!name.ok) problems.push(`${origin?.path}.name: ${name.error}`);
    else if (holder !== undefined) {
      problems.push(
        `${origin?.path}.name: "${metadata.name}" and "${holder}" would both be called "${name.value}": rename one of them`,
      );
    } else {
      holders.set(name.value, metadata.name);
      names.set(metadata.name, name.value);
    }
  }
  return names;
};

const nameOf = (names: Renaming, name: string): string => names.get(name) ?? name;

const withNewNames = (spec: object, pools: Renaming, profiles: Renaming): object => {
  const { ipAddressPools, bfdProfile } = spec as {
    readonly ipAddressPools?: readonly string[];
    readonly bfdProfile?: string;
  };
  return {
    ...spec,
    ...(ipAddressPools && { ipAddressPools: ipAddressPools.map((name) => nameOf(pools, name)) }),
    ...(bfdProfile !== undefined && { bfdProfile: nameOf(profiles, bfdProfile) }),
  };
};

const renamed = (names: Renaming): readonly (readonly [string, string])[] =>
  [...names].filter(([before, after]) => before !== after);

const renamedPools = (pools: Renaming): readonly string[] =>
  renamed(pools).map(
    ([before, after]) =>
      `the pool "${before}" becomes "${after}": services with the annotation ${annotationKeys.addressPool.join(' or ')} ` +
      `"${before}" need "${after}" there`,
  );

const renamedProfiles = (profiles: Renaming): readonly string[] =>
  renamed(profiles).map(
    ([before, after]) => `the BFD profile "${before}" becomes "${after}", also where peers name it`,
  );
