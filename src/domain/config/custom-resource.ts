import type * as z from 'zod/mini';
import { clip } from '../../lib/clip.ts';
import type { StringMap } from '../objects.ts';
import type { ConfigurationKind } from './collections.ts';
import type { ConfigurationProblem } from './configuration.ts';
import { type ProblemReason, problemReasons } from './problem-reasons.ts';

export type { ProblemReason };

/** A custom resource as the API server gives it; of the spec nothing is known yet. */
export type CustomResource = {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    /** RFC 3339 in UTC: text order is time order. Absent on an object that is only about to be created. */
    readonly creationTimestamp?: string | undefined;
    readonly labels?: StringMap | undefined;
  };
  readonly spec?: unknown;
  /** Not in `metadata`, so that comparing views can leave it out. Absent on what is not stored by itself. */
  readonly resourceVersion?: string | undefined;
  /** Where it stands if it is not an object of its own but an entry of the old ConfigMap. */
  readonly origin?: ConfigMapEntry | undefined;
};

/** The version as a number, for comparisons; 0 if there is none. */
export const revisionOf = ({ resourceVersion = '' }: { readonly resourceVersion?: string | undefined }): number =>
  /^\d+$/.test(resourceVersion) ? Number(resourceVersion) : 0;

/** An entry of the ConfigMap `config`. */
export type ConfigMapEntry = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Path of the entry, such as `address-pools[0]`. */
  readonly path: string;
};

/**
 * Takes note of a problem of one object.
 *
 * @param field a path such as `spec.addresses[1]`
 * @param cause what is wrong, in MetalLB's words where it has some
 * @param effect what follows, if it does not go without saying
 */
export type Report = (reason: ProblemReason, field: string, cause: string, effect?: string) => void;

/** What users write is quoted, and may be a page. In octets. */
const longestCause = 1024;

/** Makes the reporter of one object. Problems of an entry of the old ConfigMap are told of the ConfigMap. */
export const reporter =
  (kind: ConfigurationKind, { metadata, origin }: CustomResource, problems: ConfigurationProblem[]): Report =>
  (reason, field, text, effect) => {
    const cause = clip(text, longestCause);
    const { namespace, name, uid } = origin ?? metadata;
    problems.push({
      kind: origin === undefined ? kind : 'ConfigMap',
      namespace,
      name,
      uid,
      field: origin === undefined ? field : `${origin.path}${legacyField(kind, field)}`,
      message: effect === undefined ? cause : `${cause}; ${effect}`,
      cause,
      reason,
      severity: problemReasons[reason].severity,
    });
  };

/** Names in the ConfigMap that are not the kebab-case of the field's. */
const legacyNames: Readonly<Record<string, string>> = {
  ebgpMultiHop: 'ebgp-multihop',
  localPref: 'localpref',
};

/** `spec.holdTime` is `.hold-time` there. What is no part of the entry gives the entry itself. */
const legacyField = (kind: ConfigurationKind, field: string): string => {
  if (kind === 'Community' || !field.startsWith('spec.') || field.startsWith('spec.ipAddressPools')) return '';
  return field
    .slice('spec'.length)
    .replace(/\w+/g, (name) => legacyNames[name] ?? name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase());
};

/** Parses the spec with its schema. What does not fit the schema is reported field by field, and gives undefined. */
export const parseSpec = <T extends z.ZodMiniType>(
  schema: T,
  resource: CustomResource,
  report: Report,
): z.output<T> | undefined => {
  const parsed = schema.safeParse(resource.spec ?? {});
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const field = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
    report('InvalidSpec', `spec${field}`, issueText(issue));
  }
  return undefined;
};

const issueText = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${issue.expected === 'int' ? 'a whole number' : `of type ${issue.expected}`}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
};
