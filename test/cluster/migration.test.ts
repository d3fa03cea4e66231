import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectionPath, objectPath, type Resource, resources } from '../../src/k8s/resources.ts';
import { apiWrites, writesBetween } from '../support/cluster/api-writes.ts';
import { buildPrograms, repository } from '../support/cluster/build.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { addressesOf, getObject, rolledOut } from '../support/cluster/metallb.ts';
import { apply, loadBalancer, type Manifest, pool } from '../support/cluster/objects.ts';
import type { Sandbox } from '../support/sandbox/sandbox.ts';
import { startSandbox } from '../support/sandbox/start.ts';
import {
  leaveCertificate,
  leaveMemberlistKey,
  leaveServices,
  servedServices,
  waitingService,
} from './metallb-remains.ts';

const namespace = 'metallb-system';
const fixture = (name: string): string => join(import.meta.dirname, `fixtures/metallb-${name}.yaml`);

/** A cluster in which MetalLB has worked until now, installed by its manifests or by its chart. */
const clusterOfMetallb = (flavour: 'manifests' | 'chart', memberlist: string, deployment: string): (() => Sandbox) => {
  let sandbox: Sandbox | undefined;
  beforeAll(async () => {
    await buildPrograms();
    sandbox = await startSandbox({ name: `m${process.pid}${flavour.slice(0, 1)}`, nodes: 1, log: console.log });
    await sandbox.kubectl(['apply', '-f', fixture('definitions')]);
    await sandbox.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    await sandbox.kubectl(['apply', '-f', fixture('configuration')]);
    await leaveServices(sandbox);
    // Helm leaves no note of what it applied, as kubectl does.
    await sandbox.kubectl([flavour === 'chart' ? 'create' : 'apply', '-f', fixture(flavour)]);
    await leaveMemberlistKey(sandbox, memberlist, deployment);
    await leaveCertificate(sandbox);
    await rolledOut(sandbox, `deployment/${deployment}`);
  });
  afterAll(async () => {
    await sandbox?.down();
  });
  return () => {
    if (sandbox === undefined) throw new Error('the sandbox is not up');
    return sandbox;
  };
};

const applyOurs = async ({ kubectl }: Sandbox): Promise<void> => {
  await kubectl(['apply', '-f', 'manifests/metallb.yaml'], { cwd: repository, timeout: 60_000 });
};

type Listed = {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly resourceVersion: string };
};

const list = async <T>({ api }: Sandbox, resource: Resource): Promise<readonly T[]> =>
  ((await api.request({ path: collectionPath(resource) })) as { readonly items: readonly T[] }).items;

/**
 * Versions of everything that a controller may write, Leases aside, by kind, namespace and name. The ConfigurationState
 * is not among them: its owner is the pod that wrote it, so every start writes it once.
 */
const versions = async (sandbox: Sandbox): Promise<Readonly<Record<string, string>>> => {
  const { services, secrets, configMaps, customResourceDefinitions, validatingWebhookConfigurations } = resources;
  const { ipAddressPools, l2Advertisements, bgpAdvertisements } = resources;
  // As they are stored: beside a controller of MetalLB ours lets nobody trust its conversion.
  const bgpPeers = { ...resources.bgpPeers, apiVersion: 'metallb.io/v1beta1' };
  const kinds = [
    ...[services, secrets, configMaps, customResourceDefinitions, validatingWebhookConfigurations],
    ...[ipAddressPools, l2Advertisements, bgpAdvertisements, bgpPeers],
  ];
  const lists = await Promise.all(
    kinds.map(async (kind) =>
      (await list<Listed>(sandbox, kind)).map(({ metadata }) => [
        `${kind.kind} ${metadata.namespace ?? ''}/${metadata.name}`,
        metadata.resourceVersion,
      ]),
    ),
  );
  return Object.fromEntries(lists.flat()) as Readonly<Record<string, string>>;
};

type Event = {
  readonly involvedObject: { readonly name: string };
  readonly reason: string;
  readonly count: number;
  readonly source: { readonly component?: string };
};

/** The events of the controllers, theirs and ours, sorted. */
const controllerEvents = async (sandbox: Sandbox): Promise<readonly string[]> =>
  (await list<Event>(sandbox, resources.events))
    .filter(({ source }) => source.component === 'metallb-controller')
    .map(({ involvedObject, reason, count }) => `${involvedObject.name} ${reason} ${count}`)
    .sort();

const eventsOfMetallb = servedServices.map(({ manifest }) => `${manifest.metadata.name} IPAllocated 1`);

type ServiceJson = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status: {
    readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string; readonly ipMode?: string }[] };
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};

const serviceJson = async ({ api }: Sandbox, { metadata }: Manifest): Promise<ServiceJson> =>
  (await api.request({ path: objectPath(resources.services, metadata.namespace, metadata.name) })) as ServiceJson;

/** The condition with which the controller says about a service what it has done. */
const allocated = ({ status }: ServiceJson): string | undefined =>
  status.conditions?.find(({ type }) => type === 'metallb.io/Allocated')?.status;

/** Waits until every service says what became of it, and sees that it has what MetalLB gave it. */
const allKeepTheirAddresses = async (sandbox: Sandbox): Promise<void> => {
  await eventually('every service has our condition', async () => {
    const all = await Promise.all(servedServices.map(async ({ manifest }) => serviceJson(sandbox, manifest)));
    const waiting = await serviceJson(sandbox, waitingService);
    return all.every((service) => allocated(service) === 'True') && allocated(waiting) === 'False';
  });
  for (const { manifest, addresses, pool: from } of servedServices) {
    const { metadata, status } = await serviceJson(sandbox, manifest);
    const { name } = manifest.metadata;
    const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
    expect(status.loadBalancer.ingress, name).toEqual(ingress);
    expect(metadata.annotations?.['metallb.io/ip-allocated-from-pool'], name).toBe(from ?? 'lan');
  }
};

const secretData = async ({ api }: Sandbox, name: string): Promise<Readonly<Record<string, string>>> =>
  ((await api.request({ path: objectPath(resources.secrets, namespace, name) })) as { readonly data: object })
    .data as Readonly<Record<string, string>>;

/** Waits until our webhook refuses a bad pool, which the API server lets pass while it does not trust the webhook. */
const webhookRefuses = async ({ kubectl }: Sandbox): Promise<true> => {
  const bad = pool('bad', ['198.18.1.0/28']);
  return eventually('a bad pool is refused', async () => {
    const args = ['create', '--dry-run=server', '-f', '-'];
    const { stderr } = await kubectl(args, { input: JSON.stringify(bad), check: false });
    return stderr.includes('overlaps with already defined CIDR');
  });
};

/** The first address of a service, once it has one. */
const addressOf = async (sandbox: Sandbox, name: string): Promise<string> =>
  eventually(`${name} is served`, async () => (await addressesOf(sandbox, name))[0]);

/** What the controllers of a Deployment that run now have logged. */
const logsOf = async ({ kubectl }: Sandbox): Promise<readonly string[]> => {
  const selector = 'metallb.io/implementation=metallb-ts';
  const { stdout } = await kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'name']);
  const pods = stdout.trim().split('\n');
  return Promise.all(pods.map(async (pod) => (await kubectl(['-n', namespace, 'logs', pod])).stdout));
};

const ready = async (sandbox: Sandbox): Promise<number | undefined> =>
  (
    await getObject<{ readonly status: { readonly readyReplicas?: number } }>(
      sandbox,
      ...['-n', namespace, 'deployment', 'controller'],
    )
  )?.status.readyReplicas;

describe('from its manifests', () => {
  const cluster = clusterOfMetallb('manifests', 'memberlist', 'controller');

  test('our manifests are applied over them, and every address stays', async () => {
    const [key, certificate] = [
      await secretData(cluster(), 'memberlist'),
      await secretData(cluster(), 'metallb-webhook-cert'),
    ];
    const before = await apiWrites(cluster());
    await applyOurs(cluster());
    const mayTheyWrite = await cluster().kubectl(
      ['auth', 'can-i', 'update', 'services/status', `--as=system:serviceaccount:${namespace}:controller`],
      { check: false },
    );
    expect(mayTheyWrite.stdout.trim()).toBe('no');
    await rolledOut(cluster(), 'deployment/controller', 'daemonset/speaker');
    await allKeepTheirAddresses(cluster());

    // One write adds the condition to a service.
    const writes = writesBetween(before, await apiWrites(cluster()), ['services/status']);
    expect(writes).toBe(servedServices.length + 1);
    expect(await controllerEvents(cluster())).toEqual([...eventsOfMetallb, 'waiting AllocationFailed 1'].sort());
    expect(await secretData(cluster(), 'memberlist')).toEqual(key);
    expect(await secretData(cluster(), 'metallb-webhook-cert')).toEqual(certificate);
    expect(await webhookRefuses(cluster())).toBe(true);
  });

  test('a new service gets the first address that none of the old ones has', async () => {
    await apply(cluster(), loadBalancer('new'));
    expect(await addressOf(cluster(), 'new')).toBe('198.18.1.0');
  });

  test('what was stored by old definitions is there', async () => {
    type Peer = { readonly apiVersion: string; readonly spec: object };
    const peer = await getObject<Peer>(cluster(), '-n', namespace, 'bgppeers.v1beta2.metallb.io', 'router');
    expect(peer?.spec).toMatchObject({ myASN: 64500, peerASN: 64501, peerAddress: '198.18.0.1', ebgpMultiHop: true });
    expect(await getObject(cluster(), '-n', namespace, 'addresspools.metallb.io', 'forgotten')).toBeDefined();
    type Pool = { readonly status?: object };
    await eventually('the pool is counted', async () => {
      const pool = await getObject<Pool>(cluster(), '-n', namespace, 'ipaddresspools.metallb.io', 'pinned');
      expect(pool?.status).toMatchObject({ assignedIPv4: 1, availableIPv4: 12 });
      return true;
    });
  });

  test('the second start writes nothing', async () => {
    // The counters of a pool follow its last service within two seconds.
    let before = { versions: await versions(cluster()), events: await controllerEvents(cluster()) };
    await eventually('nothing has been written for a while', async () => {
      await sleep(3000);
      const now = { versions: await versions(cluster()), events: await controllerEvents(cluster()) };
      const isQuiet = JSON.stringify(now) === JSON.stringify(before);
      before = now;
      return isQuiet;
    });
    const selector = 'app=metallb,component=controller';
    await cluster().kubectl(['-n', namespace, 'delete', 'pods', '-l', selector], { timeout: 60_000 });
    await rolledOut(cluster(), 'deployment/controller');
    await eventually('one has planned all services', async () =>
      (await logsOf(cluster())).some((text) => text.includes('"msg":"serving"')),
    );
    await sleep(5000);
    expect(await versions(cluster())).toEqual(before.versions);
    expect(await controllerEvents(cluster())).toEqual(before.events);
  });
});

describe('from its chart', () => {
  const cluster = clusterOfMetallb('chart', 'metallb-memberlist', 'metallb-controller');

  test('beside its controller ours is ready, says why it waits, and writes nothing', async () => {
    await applyOurs(cluster());
    await rolledOut(cluster(), 'deployment/controller');
    const before = { versions: await versions(cluster()), writes: await apiWrites(cluster()) };
    await apply(cluster(), loadBalancer('new'));
    await sleep(5000);
    for (const text of await logsOf(cluster())) {
      expect(text).toContain('a controller of the original MetalLB runs: nothing is written');
    }
    expect(await ready(cluster())).toBe(2);
    const { 'Service default/new': _, ...after } = await versions(cluster());
    expect(after).toEqual(before.versions);
    const ours = ['services/status', 'ipaddresspools/status', 'configurationstates', 'configurationstates/status'];
    expect(writesBetween(before.writes, await apiWrites(cluster()), ours)).toBe(0);
    expect(await controllerEvents(cluster())).toEqual([...eventsOfMetallb].sort());
    expect(await addressesOf(cluster(), 'new')).toEqual([]);
  });

  test('when that one is gone ours goes on with the same addresses and the same certificate', async () => {
    const certificate = await secretData(cluster(), 'metallb-webhook-cert');
    await cluster().kubectl(['-n', namespace, 'delete', 'deployment', 'metallb-controller']);
    expect(await addressOf(cluster(), 'new')).toBe('198.18.1.0');
    await allKeepTheirAddresses(cluster());
    expect(await secretData(cluster(), 'metallb-webhook-cert')).toEqual(certificate);
    expect(await controllerEvents(cluster())).toEqual(
      [...eventsOfMetallb, 'new IPAllocated 1', 'waiting AllocationFailed 1'].sort(),
    );
  });

  test('when the rest of the release is deleted, our manifests bring back what had the same name', async () => {
    await cluster().kubectl(['delete', '--ignore-not-found', '-f', fixture('chart')]);
    await applyOurs(cluster());
    await rolledOut(cluster(), 'deployment/controller', 'daemonset/speaker');
    expect(await webhookRefuses(cluster())).toBe(true);
    await allKeepTheirAddresses(cluster());
  });
});
