import { legacyResources, type LegacyResources } from '../legacy/legacy-resources.ts';
import type { ConfigMapView } from '../objects.ts';
import { collections, kindOf, mapCollections } from './collections.ts';
import type { ConfigurationProblem } from './configuration.ts';
import { reporter } from './custom-resource.ts';
import type { ConfigurationInput, ConfigurationResources } from './input.ts';
import { problemReasons } from './problem-reasons.ts';

/** A ConfigMap that has not changed makes the same resources: what was read of them stays read. */
const readLegacy = new WeakMap<ConfigMapView, LegacyResources>();

/**
 * Chooses what counts: the custom resources of our namespace, and the ConfigMap of old if it is marked as in use. Of the
 * same kind and name the custom resource wins. An unmarked ConfigMap is left out whole beside custom resources, as it
 * may have been forgotten years ago; alone, it is to be marked.
 */
export const resourcesInForce = (
  input: ConfigurationInput,
  problems: ConfigurationProblem[],
): { readonly resources: ConfigurationResources; readonly wantsMark: boolean } => {
  const { legacy, metallbNamespace } = input;
  const own = mapCollections((collection) =>
    input[collection].filter(({ metadata }) => metadata.namespace === metallbNamespace),
  );
  if (legacy?.config === undefined) return { resources: own, wantsMark: false };

  if (!legacy.isInUse) {
    const isAlone = collections.every((collection) => own[collection].length === 0);
    if (!isAlone) problems.push(notInUse(legacy));
    return { resources: own, wantsMark: isAlone };
  }

  let read = readLegacy.get(legacy);
  if (read === undefined) readLegacy.set(legacy, (read = legacyResources(legacy, metallbNamespace)));
  problems.push(...read.problems);
  const { resources: old } = read;
  const resources = mapCollections((collection) => {
    const names = new Set(own[collection].map(({ metadata }) => metadata.name));
    const kept = old[collection].filter((resource) => {
      const { name } = resource.metadata;
      if (!names.has(name)) return true;
      const cause = `there is a custom resource ${kindOf[collection]} "${name}"`;
      reporter(kindOf[collection], resource, problems)('Replaced', '', cause, 'it counts instead of this entry');
      return false;
    });
    return [...own[collection], ...kept];
  });
  return { resources, wantsMark: false };
};

const notInUse = ({ namespace, name, uid }: ConfigMapView): ConfigurationProblem => {
  const cause = 'there are custom resources, and this ConfigMap is not marked as in use';
  return {
    kind: 'ConfigMap',
    namespace,
    name,
    uid,
    field: 'metadata.annotations',
    message: `${cause}; it is left out whole: delete it, or give it the annotation metallb.io/in-use=true to use it as well`,
    cause,
    reason: 'NotInUse',
    severity: problemReasons.NotInUse.severity,
  };
};
