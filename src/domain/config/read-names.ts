import type { Report } from './custom-resource.ts';

/**
 * The names of the list `spec.<path>`, each with its index; one that stands there twice is reported, and does no harm.
 */
export const readNames = (
  names: readonly string[],
  path: string,
  report: Report,
  repeated: (name: string) => string = (name) => `duplicate definition of ${path} "${name}"`,
): ReadonlyMap<string, number> => {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (seen.has(name)) report('DuplicateDefinition', `spec.${path}[${index}]`, repeated(name));
    else seen.set(name, index);
  }
  return seen;
};
