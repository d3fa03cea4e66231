/** What the benchmarks ask of the controller's replicas. */
import { readFile } from 'node:fs/promises';
import { objectPath, resources } from '../../src/k8s/resources.ts';
import { eventually } from '../../test/support/cluster/eventually.ts';
import { rolledOut } from '../../test/support/cluster/metallb.ts';
import type { Sandbox } from '../../test/support/sandbox/sandbox.ts';
import { isAlive, type PodProcess, processesOf } from '../../test/support/cluster/processes.ts';

const namespace = 'metallb-system';

type Lease = { readonly spec: { readonly holderIdentity?: string } };

/** The replica that works. */
export const leaderOf = (sandbox: Sandbox): Promise<PodProcess> =>
  eventually('a running controller leads', async () => {
    const path = objectPath(resources.leases, namespace, 'metallb-controller');
    const { holderIdentity = '' } = ((await sandbox.api.request({ path })) as Lease).spec;
    const pod = holderIdentity.slice(0, holderIdentity.lastIndexOf('_'));
    return (await processesOf(sandbox, 'controller')).find((process) => process.pod === pod);
  });

/** Says how many replicas are to run; with none, waits until those that ran have ended. */
export const scaleControllers = async (sandbox: Sandbox, replicas: number): Promise<void> => {
  const before = replicas === 0 ? await processesOf(sandbox, 'controller') : [];
  await sandbox.api.request({
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments/controller/scale`,
    body: { spec: { replicas } },
  });
  await eventually('the controllers have ended', () => before.every(({ pid }) => !isAlive(pid)));
};

/** Waits until both replicas are ready. */
export const bothReady = async (sandbox: Sandbox): Promise<void> => {
  await rolledOut(sandbox, 'deployment/controller');
  await eventually('two controllers run', async () => (await processesOf(sandbox, 'controller')).length === 2);
};

/** Calls of the replicas that wrote, as they have counted them since they began, by resource. */
export type ControllerWrites = Readonly<Record<string, number>>;

const line = /^metallb_controller_api_writes_total\{(?<labels>[^}]*)\} (?<value>\S+)$/;

/** The writes of all replicas together, those that were refused included; writes of the Lease are left out. */
export const controllerWrites = async (sandbox: Sandbox): Promise<ControllerWrites> => {
  const counts: Record<string, number> = {};
  for (const { ip } of await processesOf(sandbox, 'controller')) {
    for (const text of (await scrape(sandbox, ip)).split('\n')) {
      const { labels = '', value } = line.exec(text)?.groups ?? {};
      const resource = /resource="([^"]*)"/.exec(labels)?.[1];
      if (resource === undefined || resource === 'leases') continue;
      counts[resource] = (counts[resource] ?? 0) + Number(value);
    }
  }
  return counts;
};

/** All that was written between two counts; without the first one, since the replicas began. */
export const sumOf = (after: ControllerWrites, before: ControllerWrites = {}): number =>
  Object.entries(after).reduce((sum, [resource, count]) => sum + count - (before[resource] ?? 0), 0);

/** The metrics of the program in a pod. */
const scrape = async (sandbox: Sandbox, ip: string): Promise<string> => {
  const { users } = JSON.parse(await readFile(sandbox.kubeconfig, 'utf8')) as {
    readonly users: readonly { readonly user: { readonly token: string } }[];
  };
  const header = `Authorization: Bearer ${users[0]?.user.token}`;
  const argv = ['curl', '--silent', '--show-error', '--fail', '--insecure', '--max-time', '20', '--header', header];
  return (await sandbox.exec('n1', [...argv, `https://${ip}:9120/metrics`])).stdout;
};
