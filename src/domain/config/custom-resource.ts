import type * as z from 'zod/mini';
import type { StringMap } from '../objects.ts';
import type { ConfigurationProblem } from './configuration.ts';

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
  /** Where it stands if it is not an object of its own but an entry of the old ConfigMap. */
  readonly origin?: ConfigMapEntry | undefined;
};

/** An entry of the ConfigMap `config`. */
export type ConfigMapEntry = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Path of the entry, such as `address-pools[0]`. */
  readonly path: string;
};

/** Why something was left out, or is odd, in one word. */
export type ProblemReason =
  | 'InvalidSpec'
  | 'InvalidAddresses'
  | 'OverlappingAddresses'
  | 'InvalidSelector'
  | 'DuplicateDefinition'
  | 'NotSupportedYet';

/** Takes note of a problem of one object. `field` is a path such as `spec.addresses[1]`. */
export type Report = (reason: ProblemReason, field: string, message: string) => void;

/** Makes the reporter of one object. */
export const reporter =
  (kind: ConfigurationProblem['kind'], { metadata }: CustomResource, problems: ConfigurationProblem[]): Report =>
  (reason, field, message) =>
    void problems.push({
      kind,
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      field,
      message,
      reason,
    });

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
