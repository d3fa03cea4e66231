import type { CustomResource } from '../domain/config/custom-resource.ts';
import { filled, object, stringMap, text } from '../lib/json.ts';

/** From a raw custom resource of MetalLB; the spec is kept as it came. One without name or namespace gives `undefined`. */
export const projectCustomResource = (raw: unknown): CustomResource | undefined => {
  const { metadata: rawMetadata, spec } = object(raw);
  const metadata = object(rawMetadata);
  const name = filled(metadata['name']);
  const namespace = filled(metadata['namespace']);
  if (name === undefined || namespace === undefined) return undefined;
  return {
    metadata: {
      name,
      namespace,
      uid: text(metadata['uid']) ?? '',
      creationTimestamp: text(metadata['creationTimestamp']),
      labels: stringMap(metadata['labels']),
    },
    spec,
    resourceVersion: text(metadata['resourceVersion']),
  };
};
