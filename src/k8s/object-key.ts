import { filled, object } from '../lib/json.ts';

/** `namespace/name`, or `name` alone; undefined for something without a name. */
export const objectKey = (raw: unknown): string | undefined => {
  const metadata = object(object(raw)['metadata']);
  const name = filled(metadata['name']);
  const namespace = filled(metadata['namespace']);
  return name === undefined || namespace === undefined ? name : `${namespace}/${name}`;
};
