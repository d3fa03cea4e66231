import type { ConfigurationKind } from './collections.ts';
import type { ConfigurationProblem } from './configuration.ts';
import { type CustomResource, type Report, reporter } from './custom-resource.ts';

/** Reads one object by itself; undefined when it cannot be in force. */
type Read<T> = (resource: CustomResource, report: Report) => T | undefined;

/**
 * Makes a reader that reads each object once. A changed object is a new object, so what was read of one holds for good;
 * whoever assembles again finds the same values, selectors included, and may compare them by identity.
 */
export const readOnce = <T>(
  kind: ConfigurationKind,
  read: Read<T>,
): ((resource: CustomResource, problems: ConfigurationProblem[]) => T | undefined) => {
  const readings = new WeakMap<CustomResource, { value: T | undefined; problems: readonly ConfigurationProblem[] }>();
  return (resource, problems) => {
    let reading = readings.get(resource);
    if (reading === undefined) {
      const found: ConfigurationProblem[] = [];
      reading = { value: read(resource, reporter(kind, resource, found)), problems: found };
      readings.set(resource, reading);
    }
    for (const problem of reading.problems) problems.push(problem);
    return reading.value;
  };
};
