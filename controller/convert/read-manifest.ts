import { parseAllDocuments } from 'yaml';
import { object, text } from '../../src/lib/json.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';

/** The ConfigMap of a manifest, as far as it matters here. */
export type ManifestConfigMap = { readonly namespace: string | undefined; readonly config: string };

/** Finds the ConfigMap in a manifest of one or more documents, or in the list that `kubectl get` prints. */
export const readManifest = (manifest: string): Result<ManifestConfigMap> => {
  const objects: unknown[] = [];
  for (const document of parseAllDocuments(manifest)) {
    const [error] = document.errors;
    if (error !== undefined) return err(`not YAML: ${error.message.split('\n', 1)[0]}`);
    const raw: unknown = document.toJS();
    const { kind, items } = object(raw);
    objects.push(...(kind === 'List' && Array.isArray(items) ? items : [raw]));
  }
  const configMaps = objects.map(object).filter(({ kind }) => kind === 'ConfigMap');
  if (configMaps.length === 0) {
    return err('not a configmap (with --only-data the text under its key "config" is read alone)');
  }
  const found = configMaps.flatMap(({ metadata, data }) => {
    const config = text(object(data)['config']);
    return config?.trim() ? [{ namespace: text(object(metadata)['namespace']) || undefined, config }] : [];
  });
  const [first, second] = found;
  if (first === undefined) return err('bad ConfigMap: no data under the key "config"');
  return second === undefined ? ok(first) : err('more than one ConfigMap with data under the key "config"');
};
