import * as z from 'zod/mini';
import { field } from './field.ts';

/** A list of `metav1.Condition`, one of each type, that may be left out. */
export const conditionList = (description: string) =>
  field(
    z.optional(
      z.array(
        field(
          z.object({
            type: field(z.string(), 'What it is about, one CamelCase word, with or without a domain before it.', {
              maxLength: 316,
              pattern:
                '^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?' +
                '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
            }),
            status: field(z.string(), 'Whether it holds.', { enum: ['True', 'False', 'Unknown'] }),
            reason: field(z.string(), 'Why, in one CamelCase word for programs.', {
              minLength: 1,
              maxLength: 1024,
              pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
            }),
            message: field(z.string(), 'Why, in a sentence for people; it may be empty.', { maxLength: 32768 }),
            lastTransitionTime: field(z.string(), 'When the status last changed.', { format: 'date-time' }),
            observedGeneration: field(
              z.optional(z.int().check(z.minimum(0))),
              'The metadata.generation of the object that the condition speaks of.',
              { type: 'integer', format: 'int64' },
            ),
          }),
          'One statement about the object.',
        ),
      ),
    ),
    description,
    { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  );
