import type { Api } from '../../../src/k8s/client/api.ts';

/** Merges lists such as conditions by their key and takes `null` for "remove"; the API has it for its own kinds. */
export const strategicPatch = (api: Pick<Api, 'request'>, path: string, body: object): Promise<unknown> =>
  api.request({ method: 'PATCH', path, body, contentType: 'application/strategic-merge-patch+json' });
