import type { Report } from './custom-resource.ts';

/** The names of the list `spec.<path>`; one that stands there twice is reported, and does no harm. */
export const readNames = (
  names: readonly string[],
  path: string,
  report: Report,
  repeated: (name: string) => string = (name) => `duplicate definition of ${path} "${name}"`,
): ReadonlySet<string> => {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (seen.has(name)) report('DuplicateDefinition', `spec.${path}[${index}]`, repeated(name));
    seen.add(name);
  }
  return seen;
};
