import { err, ok, type Result } from '../lib/result.ts';
import type { StringMap } from './objects.ts';

/** A `metav1.LabelSelector` as it stands in a custom resource. */
export type LabelSelector = {
  readonly matchLabels?: StringMap | undefined;
  readonly matchExpressions?: readonly LabelExpression[] | undefined;
};

/** One condition on a label. */
export type LabelExpression = {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
};

/** A checked selector: tells whether labels match. The empty selector matches everything. */
export type Selector = (labels: StringMap) => boolean;

/** Checks a selector; an unknown operator, a wrong number of values or text that no label can have is an error. */
export const parseSelector = (selector: LabelSelector): Result<Selector> => {
  const tests: Selector[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const problem = keyProblem(key) ?? valueProblem(key, value);
    if (problem !== undefined) return err(problem);
    tests.push((labels) => valueOf(labels, key) === value);
  }
  for (const expression of selector.matchExpressions ?? []) {
    const test = parseExpression(expression);
    if (!test.ok) return test;
    tests.push(test.value);
  }
  return ok((labels) => tests.every((test) => test(labels)));
};

const parseExpression = ({ key, operator, values = [] }: LabelExpression): Result<Selector> => {
  const problem = keyProblem(key) ?? values.map((value) => valueProblem(key, value)).find((text) => text !== undefined);
  if (problem !== undefined) return err(problem);
  const isListed = (labels: StringMap): boolean => {
    const value = valueOf(labels, key);
    return value !== undefined && values.includes(value);
  };
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) return err(`values of "${key}" must not be empty for the operator ${operator}`);
      return ok(operator === 'In' ? isListed : (labels) => !isListed(labels));
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) return err(`values of "${key}" must be empty for the operator ${operator}`);
      return ok((labels) => (valueOf(labels, key) !== undefined) === (operator === 'Exists'));
    default:
      return err(`"${operator}" is not a valid label selector operator`);
  }
};

/** Labels come from JSON: what an object inherits is not a label. */
const valueOf = (labels: StringMap, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const keyProblem = (key: string): string | undefined => {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const isValid =
    labelName.test(key.slice(slash + 1)) &&
    (prefix === undefined || (prefix.length <= 253 && dnsSubdomain.test(prefix)));
  return isValid ? undefined : `"${key}" is not a valid label key`;
};

const valueProblem = (key: string, value: string): string | undefined =>
  value === '' || labelName.test(value) ? undefined : `"${value}" is not a valid value of the label "${key}"`;

/**
 * What a selector says, as text, the same for selectors that differ only in the order of labels and values: equal texts
 * mean equal selectors.
 */
export const canonicalSelector = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string =>
  JSON.stringify([Object.entries(matchLabels).sort(byKey), matchExpressions.map(canonicalExpression)]);

/** The same for one expression. */
export const canonicalExpression = ({ key, operator, values = [] }: LabelExpression): string =>
  JSON.stringify([key, operator, values.toSorted()]);

const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);
