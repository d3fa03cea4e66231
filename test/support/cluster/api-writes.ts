import type { Sandbox } from '../sandbox/sandbox.ts';

/** Requests that changed something, by `resource` or `resource/subresource`, since kube-apiserver started. */
export type ApiWrites = Readonly<Record<string, number>>;

const line = /^apiserver_request_total\{(?<labels>[^}]*)\} (?<value>\S+)$/;
const writes = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);

const label = (labels: string, name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';

/** Counts the writes that kube-apiserver has served, whoever sent them, by its own metrics. */
export const apiWrites = async (sandbox: Sandbox): Promise<ApiWrites> => {
  const { stdout } = await sandbox.kubectl(['get', '--raw', '/metrics']);
  const counts: Record<string, number> = {};
  for (const text of stdout.split('\n')) {
    const { labels, value } = line.exec(text)?.groups ?? {};
    if (labels === undefined || !writes.has(label(labels, 'verb'))) continue;
    const subresource = label(labels, 'subresource');
    const resource = label(labels, 'resource') + (subresource === '' ? '' : `/${subresource}`);
    counts[resource] = (counts[resource] ?? 0) + Number(value);
  }
  return counts;
};

/** What only our programs write for services, in a cluster where nobody else does. */
const ourResources = [
  'services/status',
  'events',
  'servicel2statuses',
  'servicel2statuses/status',
  'ipaddresspools',
  'ipaddresspools/status',
] as const;

/** Writes between two counts, of those resources together. */
export const writesBetween = (
  before: ApiWrites,
  after: ApiWrites,
  resources: readonly string[] = ourResources,
): number => resources.reduce((sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0), 0);
