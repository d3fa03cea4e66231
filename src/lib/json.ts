/** Readers for JSON of unknown origin: a field of another kind than expected counts as absent. */

type JsonObject = { readonly [key: string]: unknown };

const none: JsonObject = {};
const emptyMap: Readonly<Record<string, string>> = {};

/** Whether `value` is a JSON object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object at `value`, or one without fields. */
export const object = (value: unknown): JsonObject => (isObject(value) ? value : none);

/** The elements of the array at `value`, or none. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The text at `value`; the empty text is a text. */
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The text at `value`; the API's empty text means absent. */
export const filled = (value: unknown): string | undefined => text(value) || undefined;

/** The texts of a map (labels, selectors, annotations) whose key `isWanted`. One shared object if there are none. */
export const stringMap = (
  value: unknown,
  isWanted: (key: string) => boolean = () => true,
): Readonly<Record<string, string>> => {
  const pairs = Object.entries(object(value)).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && isWanted(pair[0]),
  );
  return pairs.length === 0 ? emptyMap : Object.fromEntries(pairs);
};
