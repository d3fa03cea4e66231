import { type Api, ApiError } from './api.ts';

/** Told of each finished call that writes: what it wrote, and the HTTP status; `none` if there was no answer. */
export type OnWrite = (resource: string, code: string) => void;

/** The same API server, with all that is written there counted; reads are not. */
export const countWrites = (api: Api, onWrite: OnWrite): Api => ({
  ...api,
  request: async (call) => {
    if (call.method === undefined || call.method === 'GET') return api.request(call);
    const resource = resourceOf(call.path);
    try {
      const answer = await api.request(call);
      onWrite(resource, call.method === 'POST' ? '201' : '200');
      return answer;
    } catch (error) {
      onWrite(resource, error instanceof ApiError ? String(error.status) : 'none');
      throw error;
    }
  },
});

/** `services/status` of `/api/v1/namespaces/a/services/web/status`. */
export const resourceOf = (path: string): string => {
  const steps = path.split('/').filter((step) => step !== '');
  // `/api/v1/…` or `/apis/GROUP/VERSION/…`.
  const rest = steps.slice(steps[0] === 'api' ? 2 : 3);
  const own = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  const [plural = '', , subresource] = own;
  return subresource === undefined ? plural : `${plural}/${subresource}`;
};
