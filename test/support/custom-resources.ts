import {
  type Assembly,
  assembleConfiguration,
  type ConfigurationInput,
  nothingConfigured,
} from '../../src/domain/config/assemble.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';

/** A custom resource in the namespace that counts, made at the beginning of 2026 unless told otherwise. */
export const resource = (
  name: string,
  spec: unknown,
  metadata: Partial<CustomResource['metadata']> = {},
): CustomResource => ({
  metadata: {
    name,
    namespace: 'metallb-system',
    uid: `uid-${name}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec,
});

/** Assembles what is given and nothing else. */
export const assemble = (input: Partial<ConfigurationInput>): Assembly =>
  assembleConfiguration({ ...nothingConfigured, metallbNamespace: 'metallb-system', ...input });

/** `kind name field reason: message` of every problem. */
export const problemTexts = (input: Partial<ConfigurationInput>): readonly string[] =>
  assemble(input).problems.map(
    ({ kind, name, field, reason, message }) => `${kind} ${name} ${field} ${reason}: ${message}`,
  );
