/** As the server writes it: the commas and quotes around a key cannot stand so inside a JSON text. */
const start = ',"managedFields":[{';
const end = '}]';

/**
 * Parses an object as the API server sends it, without `metadata.managedFields`: about half of every object, read by
 * nobody here. The entries have no arrays inside, so the first `}]` ends them. If that cut a text in two, what is left
 * is no JSON and the whole is parsed. Throws `SyntaxError` if that is none either.
 */
export const parseWithoutManagedFields = (json: string): unknown => {
  const from = json.indexOf(start);
  const to = from === -1 ? -1 : json.indexOf(end, from + start.length);
  if (to === -1) return JSON.parse(json);
  try {
    return JSON.parse(json.slice(0, from) + json.slice(to + end.length));
  } catch {
    return JSON.parse(json);
  }
};
