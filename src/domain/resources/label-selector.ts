import * as z from 'zod/mini';
import { field, ruled } from './field.ts';

/** Bounds that let the API server know what the rule on each expression may cost in all. */
const maxSelectors = 1024;
const maxExpressions = 128;

const labelKeyPattern =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$';
const labelValuePattern = '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$';

const expression = field(
  z.object({
    key: field(z.string(), 'The label key the expression looks at.', { maxLength: 317, pattern: labelKeyPattern }),
    operator: field(
      z.string(),
      'How the label is compared: In and NotIn look for its value among `values`, Exists and DoesNotExist ask only ' +
        'whether the label is there.',
      { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
    ),
    values: field(
      z.optional(z.array(ruled(z.string(), { maxLength: 63, pattern: labelValuePattern }))),
      'The values for In and NotIn (at least one); it stays empty for Exists and DoesNotExist.',
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  }),
  'One condition on a label.',
  {
    'x-kubernetes-validations': [
      {
        rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
        message: 'values must not be empty for the operators In and NotIn',
      },
      {
        rule: "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || self.values.size() == 0",
        message: 'values must be empty for the operators Exists and DoesNotExist',
      },
    ],
  },
);

const matchLabels = () =>
  field(z.optional(z.record(z.string(), z.string())), 'Labels that must be there with exactly these values.');

/** A `metav1.LabelSelector`. */
const labelSelector = (description: string) =>
  field(
    z.object({
      matchLabels: matchLabels(),
      matchExpressions: field(z.optional(z.array(expression)), 'Conditions on labels, all of which must hold.', {
        maxItems: maxExpressions,
        'x-kubernetes-list-type': 'atomic',
      }),
    }),
    description,
    { 'x-kubernetes-map-type': 'atomic' },
  );

/** One selector, as an object of its own. */
export const singleSelector = (description: string) =>
  labelSelector(`${description} All conditions in it must hold; {} matches everything.`);

/** A list of selectors, of which one has to match. */
export const selectorList = (description: string) =>
  field(
    z.optional(
      z.array(
        labelSelector(
          'A selector: all conditions in it must hold, matchLabels as well as matchExpressions. {} matches everything.',
        ),
      ),
    ),
    description,
    // Atomic: server-side apply refuses sets of objects.
    { maxItems: maxSelectors, 'x-kubernetes-list-type': 'atomic' },
  );

/** The selectors of `metallb.io/v1beta1` BGPPeers, a type of their own: every expression has to bring values. */
export const requiredValuesSelectorList = (description: string) =>
  field(
    z.optional(
      z.array(
        field(
          z.object({
            matchLabels: matchLabels(),
            matchExpressions: field(
              z.optional(
                z.array(
                  field(
                    z.object({
                      key: field(z.string(), 'The label key the expression looks at.'),
                      operator: field(z.string(), 'How the label is compared: In or NotIn.'),
                      values: field(z.array(z.string()), 'The values to look among; at least one.', { minItems: 1 }),
                    }),
                    'One condition on a label.',
                  ),
                ),
              ),
              'Conditions on labels, all of which must hold.',
            ),
          }),
          'A selector: all conditions in it must hold, matchLabels as well as matchExpressions. {} matches everything.',
        ),
      ),
    ),
    description,
  );
