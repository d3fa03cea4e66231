import { err, ok, type Result } from '../lib/result.ts';
import type { StringMap } from './objects.ts';

/** A `metav1.LabelSelector` as it stands in a custom resource. */
export type LabelSelector = {
  readonly matchLabels?: StringMap | undefined;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[] | undefined;
      }[]
    | undefined;
};

/** A checked selector: tells whether labels match. The empty selector matches everything. */
export type Selector = (labels: StringMap) => boolean;

/** Checks a selector; an unknown operator or a wrong number of values is an error that names the key. */
export const parseSelector = (selector: LabelSelector): Result<Selector> => {
  const tests: Selector[] = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) =>
      (labels) =>
        labels[key] === value,
  );
  for (const expression of selector.matchExpressions ?? []) {
    const test = parseExpression(expression);
    if (!test.ok) return test;
    tests.push(test.value);
  }
  return ok((labels) => tests.every((test) => test(labels)));
};

const parseExpression = ({
  key,
  operator,
  values = [],
}: NonNullable<LabelSelector['matchExpressions']>[number]): Result<Selector> => {
  const valueOf = (labels: StringMap): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const isListed = (labels: StringMap): boolean => {
    const value = valueOf(labels);
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
      return ok((labels) => (valueOf(labels) !== undefined) === (operator === 'Exists'));
    default:
      return err(`"${operator}" is not a valid label selector operator`);
  }
};
