import { filled, list, object } from '../../src/lib/json.ts';
import type { WallTime } from '../../src/lib/time.ts';

/** The newest time that the API server itself has written into the metadata of an object; undefined if there is none. */
export const stampedAt = (metadata: Readonly<Record<string, unknown>>): WallTime | undefined => {
  const writes = list(metadata['managedFields']).map((entry) => object(entry)['time']);
  const times = [metadata['creationTimestamp'], ...writes]
    .map((time) => Date.parse(filled(time) ?? ''))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
};
