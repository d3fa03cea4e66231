import {
  canonicalExpression,
  canonicalSelector,
  type LabelSelector,
  parseSelector,
  type Selector,
} from '../selector.ts';
import type { Report } from './custom-resource.ts';

/** What an unreadable selector matches: to match more than its author meant could give or announce too much. */
const nothing: Selector = () => false;

/**
 * Checks a list of selectors, `spec.<path>`; one that cannot be read is reported and matches nothing, the others count.
 * What stands there twice is reported as well, and does no harm.
 *
 * @param errorPrefix what MetalLB says before the reason
 */
export const readSelectors = (
  selectors: readonly LabelSelector[],
  path: string,
  errorPrefix: string,
  report: Report,
): readonly Selector[] => {
  const listName = path.slice(path.lastIndexOf('.') + 1);
  const seen = new Set<string>();
  return selectors.map((selector, index) => {
    const field = `spec.${path}[${index}]`;
    const text = canonicalSelector(selector);
    if (seen.has(text)) {
      report('DuplicateDefinition', field, `duplicate definition of ${listName} "${selectorText(selector)}"`);
    }
    seen.add(text);
    return readSelector(selector, field, errorPrefix, report);
  });
};

/** The same for one selector, which stands at `field`. */
export const readSelector = (selector: LabelSelector, field: string, errorPrefix: string, report: Report): Selector => {
  reportRepeatedParts(selector, field, report);
  const parsed = parseSelector(selector);
  if (parsed.ok) return parsed.value;
  report('InvalidSelector', field, `${errorPrefix}: ${parsed.error}`);
  return nothing;
};

const reportRepeatedParts = (selector: LabelSelector, field: string, report: Report): void => {
  const seen = new Set<string>();
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    const values = expression.values ?? [];
    if (new Set(values).size < values.length) {
      const message = `duplicate definition of match expression value in label selector "${selectorText(selector)}"`;
      report('DuplicateDefinition', `${at}.values`, message);
    }
    const text = canonicalExpression(expression);
    if (seen.has(text)) {
      report('DuplicateDefinition', at, `duplicate definition of match expressions "${expression.key}"`);
    }
    seen.add(text);
  }
};

/** As `kubectl get --selector` would have it. */
const selectorText = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
    }),
  ].join(',');
