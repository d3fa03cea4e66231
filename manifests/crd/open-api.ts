import * as z from 'zod/mini';

/** A part of an OpenAPI v3 schema, as a CustomResourceDefinition holds it. */
export type OpenApiSchema = { readonly [keyword: string]: unknown };

/**
 * Turns a zod schema into a structural schema: what a client may send, with defaults. Keywords that the schemas carry
 * in their metadata are taken over.
 */
export const toOpenApiSchema = (schema: z.ZodMiniType): OpenApiSchema =>
  structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', unrepresentable: 'throw' }));

/** Order of keywords: what a reader looks for first comes first. */
const keywordOrder = ['description', 'type', 'format', 'default', 'enum', 'pattern'];

const structural = (schema: OpenApiSchema): OpenApiSchema => {
  const rank = (keyword: string): number =>
    (keywordOrder.indexOf(keyword) + keywordOrder.length + 1) % (keywordOrder.length + 1);
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword, value]) => !isSafeIntegerBound(keyword, value) && !isEmptyObject(value))
      .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
      .map(([keyword, value]) => [keyword, structuralValue(keyword, value)]),
  );
};

/** zod bounds every integer by what a double can hold; to the API server that says nothing. */
const isSafeIntegerBound = (keyword: string, value: unknown): boolean =>
  (keyword === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
  (keyword === 'maximum' && value === Number.MAX_SAFE_INTEGER);

/** The API server does not keep an empty map, so `kubectl apply` would find a difference for ever. */
const isEmptyObject = (value: unknown): boolean => JSON.stringify(value) === '{}';

const structuralValue = (keyword: string, value: unknown): unknown => {
  switch (keyword) {
    case 'properties':
      return Object.fromEntries(
        Object.entries(value as Record<string, OpenApiSchema>).map(([name, property]) => [name, structural(property)]),
      );
    case 'items':
    case 'additionalProperties':
      return structural(value as OpenApiSchema);
    default:
      return value;
  }
};
