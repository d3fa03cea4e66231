import { convert } from '../../src/domain/legacy/convert.ts';
import { parseLegacyDocument } from '../../src/domain/legacy/parse-document.ts';
import { readManifest } from './read-manifest.ts';
import { writeManifests } from './write-manifests.ts';

/** What came of it: the manifests, or why there are none. */
export type ConvertedText = {
  /** Undefined if there are problems. */
  readonly output: string | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
};

/** Where objects go whose source does not say. */
const defaultNamespace = 'metallb-system';

/** Converts the text of a ConfigMap's manifest, or of what stands under its key `config` alone. */
export const convertText = (source: string, isOnlyData: boolean): ConvertedText => {
  const read = isOnlyData
    ? ({ ok: true, value: { namespace: undefined, config: source } } as const)
    : readManifest(source);
  if (!read.ok) return { output: undefined, problems: [read.error], warnings: [] };
  const { namespace = defaultNamespace, config } = read.value;
  const { manifests, problems, warnings } = convert(parseLegacyDocument(config), namespace);
  if (problems.length > 0) return { output: undefined, problems, warnings };
  if (manifests.length === 0) return { output: undefined, problems: ['there is nothing in it'], warnings };
  return { output: writeManifests(manifests), problems, warnings };
};
