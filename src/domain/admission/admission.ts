import type { BgpType } from '../../lib/bgp-type.ts';
import { clip } from '../../lib/clip.ts';
import { object } from '../../lib/json.ts';
import { assembleConfiguration, type ConfigurationInput } from '../config/assemble.ts';
import { collectionOf, type ConfigurationKind } from '../config/collections.ts';
import type { Configuration, ConfigurationProblem } from '../config/configuration.ts';
import type { CustomResource } from '../config/custom-resource.ts';
import { problemReasons } from '../config/problem-reasons.ts';
import type { ServiceView } from '../objects.ts';
import { addressesTakenAway, takenAwayText } from './addresses-taken-away.ts';

/** What somebody asks the API server to do with a custom resource. */
export type AdmissionRequest = {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: ConfigurationKind;
  readonly namespace: string;
  readonly name: string;
  /** As it is to be; absent for `DELETE`. A `BGPPeer` comes as v1beta2. */
  readonly object?: CustomResource;
  /** As it is; absent for `CREATE`. */
  readonly oldObject?: CustomResource;
};

/** The objects as they are now. */
export type LiveObjects = Omit<ConfigurationInput, 'metallbNamespace' | 'bgpType'> & {
  readonly services: Iterable<Pick<ServiceView, 'key' | 'ingress'>>;
};

/** What of our command line and environment a decision depends on. */
export type AdmissionSettings = {
  /** Namespace of the custom resources. */
  readonly metallbNamespace: string;
  /** `METALLB_BGP_TYPE` */
  readonly bgpType: BgpType;
  /** `--reassign-on-pool-change` */
  readonly reassignOnPoolChange?: boolean;
};

/** The warnings are shown to the user either way; each has 256 octets at most. */
export type AdmissionDecision = { readonly warnings: readonly string[] } & (
  | { readonly allowed: true }
  | { readonly allowed: false; readonly message: string; readonly code: 400 | 403 }
);

/** A sentence, not a page. */
const longestMessage = 1024;
/** The API server cuts longer ones. */
const longestWarning = 256;
const mostWarnings = 8;

/**
 * Decides about one request with the rules and the words of MetalLB. A change is denied for a fault that it brings, in
 * its object or in another; faults that were there before do not hinder it. What may still come, such as the BFD profile
 * of a peer, is only warned about.
 */
export const admit = (request: AdmissionRequest, live: LiveObjects, settings: AdmissionSettings): AdmissionDecision => {
  const { operation, kind, namespace, name, object } = request;
  const { metallbNamespace } = settings;
  const isOurs = namespace === metallbNamespace;
  if (operation === 'DELETE') return isOurs ? admitDeletion(request, live, settings) : allow([]);
  if (object === undefined) return deny(`the ${kind} "${name}" itself is missing`, [], 400);

  const warnings = operation === 'CREATE' && kind === 'BGPPeer' && asksForDisableMp(object) ? [disableMpWarning] : [];
  if (!isOurs) {
    return operation === 'CREATE'
      ? deny(`resource must be created in ${metallbNamespace} namespace`, warnings)
      : allow([`a ${kind} counts only in the namespace ${metallbNamespace}`]);
  }

  const { before, after } = compare(request, live, settings);
  const isOwn = (problem: ConfigurationProblem): boolean => problem.kind === kind && problem.name === name;
  const brought = problemsBrought(before.problems, after.problems);
  const ordered = [...brought.filter(isOwn), ...brought.filter((problem) => !isOwn(problem))];
  const fault = ordered.find(denies);
  if (fault !== undefined) {
    const place = isOwn(fault) ? '' : `this would break ${fault.kind} "${fault.name}": `;
    return deny(`${place}${fault.field}: ${fault.cause}`, warnings);
  }
  for (const problem of ordered) {
    const place = isOwn(problem) ? '' : `${problem.kind} "${problem.name}": `;
    warnings.push(`${place}${problem.field && `${problem.field}: `}${problem.message}`);
  }
  if (kind === 'IPAddressPool') warnings.push(...takenAway(before.configuration, after.configuration, live, settings));
  return allow(warnings);
};

const disableMpWarning = "disable mp is deprecated and has no effect since it's the default behavior now";

const asksForDisableMp = ({ spec }: CustomResource): boolean => object(spec)['disableMP'] === true;

const admitDeletion = (
  request: AdmissionRequest,
  live: LiveObjects,
  settings: AdmissionSettings,
): AdmissionDecision => {
  const { kind, name } = request;
  if (kind === 'BFDProfile') {
    const users = live.bgpPeers.filter(
      ({ metadata, spec }) => metadata.namespace === settings.metallbNamespace && object(spec)['bfdProfile'] === name,
    );
    const [user] = users.map(({ metadata }) => metadata.name).sort();
    if (user !== undefined) return deny(`failed to delete BFDProfile ${name}, used by BGPPeer ${user}`, []);
  }
  if (kind !== 'IPAddressPool') return allow([]);
  const { before, after } = compare(request, live, settings);
  return allow(takenAway(before.configuration, after.configuration, live, settings));
};

/** Assembles all that is there, and all that would be there. */
const compare = (request: AdmissionRequest, live: LiveObjects, settings: AdmissionSettings) => {
  const { kind, name, namespace, operation, object, oldObject } = request;
  const collection = collectionOf[kind];
  const others = live[collection].filter(({ metadata }) => metadata.name !== name || metadata.namespace !== namespace);
  const assembleWith = (resource: CustomResource | undefined) =>
    assembleConfiguration(
      { ...live, ...settings, [collection]: resource === undefined ? others : [...others, resource] },
      'passOver',
    );
  const known = live[collection].find((resource) => !others.includes(resource));
  return {
    before: assembleWith(operation === 'CREATE' ? undefined : (oldObject ?? known)),
    after: assembleWith(operation === 'CREATE' ? asYoungest(object) : object),
  };
};

/** The API server has given it a time already, which may be that of an object it must not displace. */
const asYoungest = (object: CustomResource | undefined): CustomResource | undefined =>
  object && { ...object, metadata: { ...object.metadata, creationTimestamp: undefined } };

/** The old ConfigMap hinders nobody: whoever makes custom resources is leaving it behind. */
const denies = ({ kind, reason }: ConfigurationProblem): boolean =>
  kind !== 'ConfigMap' && problemReasons[reason].admission === 'deny';

/** Those that were not there before. One whose entry has only moved within its list was there. */
const problemsBrought = (
  before: readonly ConfigurationProblem[],
  after: readonly ConfigurationProblem[],
): readonly ConfigurationProblem[] => {
  const counts = new Map<string, number>();
  for (const problem of before) counts.set(identity(problem), (counts.get(identity(problem)) ?? 0) + 1);
  return after.filter((problem) => {
    const left = counts.get(identity(problem)) ?? 0;
    counts.set(identity(problem), left - 1);
    return left <= 0;
  });
};

const identity = ({ kind, name, field, cause }: ConfigurationProblem): string =>
  JSON.stringify([kind, name, field.replaceAll(/\[\d+\]/g, '[]'), cause]);

const takenAway = (
  before: Configuration,
  after: Configuration,
  { services }: LiveObjects,
  { reassignOnPoolChange = false }: AdmissionSettings,
): readonly string[] => {
  const losses = addressesTakenAway(before, after, services);
  return losses.length === 0 ? [] : [takenAwayText(losses, reassignOnPoolChange ? 'change' : 'keep', longestWarning)];
};

const bounded = (warnings: readonly string[]): readonly string[] => {
  const shown = warnings.slice(0, mostWarnings).map((warning) => clip(warning, longestWarning));
  return warnings.length > shown.length ? [...shown, `and ${warnings.length - shown.length} more`] : shown;
};

const allow = (warnings: readonly string[]): AdmissionDecision => ({ allowed: true, warnings: bounded(warnings) });

const deny = (message: string, warnings: readonly string[], code: 400 | 403 = 403): AdmissionDecision => ({
  allowed: false,
  message: clip(message, longestMessage),
  code,
  warnings: bounded(warnings),
});
