import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { field, ruled } from '../../src/domain/resources/field.ts';
import { toOpenApiSchema } from './open-api.ts';

test('a schema becomes a structural one, with defaults, texts and the rules of the server', () => {
  const schema = field(
    z.object({
      names: field(z.array(ruled(z.string(), { maxLength: 5 })), 'Some names.', { minItems: 1 }),
      isOn: field(z._default(z.boolean(), true), 'Whether it is on.'),
      labels: z.optional(z.record(z.string(), z.string())),
      count: field(z.int(), 'How many.', { type: 'integer', format: 'int64' }),
      share: z.int().check(z.minimum(1), z.maximum(100)),
    }),
    'An example.',
  );
  expect(toOpenApiSchema(schema)).toEqual({
    description: 'An example.',
    type: 'object',
    required: ['names', 'count', 'share'],
    properties: {
      names: { description: 'Some names.', type: 'array', minItems: 1, items: { type: 'string', maxLength: 5 } },
      isOn: { description: 'Whether it is on.', type: 'boolean', default: true },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      count: { description: 'How many.', type: 'integer', format: 'int64' },
      share: { type: 'integer', minimum: 1, maximum: 100 },
    },
  });
});

test('an object without properties is only an object', () => {
  expect(toOpenApiSchema(z.object({}))).toEqual({ type: 'object' });
});

test('a property may have the name of a keyword', () => {
  const schema = z.object({ properties: z.string(), items: z.optional(z.int()) });
  expect(toOpenApiSchema(schema)).toEqual({
    type: 'object',
    required: ['properties'],
    properties: { properties: { type: 'string' }, items: { type: 'integer' } },
  });
});

test('what OpenAPI cannot say is an error', () => {
  expect(() => toOpenApiSchema(z.object({ when: z.date() }))).toThrow('Date cannot be represented');
});
