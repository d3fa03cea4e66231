import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Api } from '../../../src/k8s/client/api.ts';
import { collectionPath, resources } from '../../../src/k8s/resources.ts';
import { repository } from '../cluster/build.ts';
import { eventually } from '../cluster/eventually.ts';

type Definition = {
  readonly kind: string;
  readonly spec: {
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly storage: boolean }[];
  };
};

/** Makes the namespace and the kinds of our manifests. There is no webhook, so BGPPeers are not converted. */
export const installDefinitions = async (api: Api, namespace: string): Promise<void> => {
  await api.request({
    method: 'POST',
    path: collectionPath(resources.namespaces),
    body: { metadata: { name: namespace } },
  });
  const manifest = readFileSync(join(repository, 'manifests/metallb.yaml'), 'utf8');
  const definitions = parseAllDocuments(manifest)
    .map((document) => document.toJS() as Definition)
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
  for (const definition of definitions) {
    const body = { ...definition, spec: { ...definition.spec, conversion: { strategy: 'None' } } };
    await api.request({ method: 'POST', path: collectionPath(resources.customResourceDefinitions), body });
  }
  for (const { spec } of definitions) {
    const version = spec.versions.find(({ storage }) => storage)?.name ?? '';
    const path = `/apis/metallb.io/${version}/namespaces/${namespace}/${spec.names.plural}`;
    await eventually(`${spec.names.plural} are served`, async () => (await api.request({ path })) !== undefined);
  }
};
