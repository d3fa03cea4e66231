import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { probeArp } from './arp-probe.ts';
import { eventually } from './eventually.ts';
import { addressesOf, neighbourMac, nodeOfMac, rolledOut } from './metallb.ts';
import { apply, l2Advertisement, loadBalancer, type Manifest, pool } from './objects.ts';
import { processesOf } from './processes.ts';
import { longestSilence } from './silence.ts';
import { lostBetween, probeUdp } from './udp-probe.ts';

/** What can happen to the owner of an address. */
export type Mishap =
  /** The plugs are pulled and the speaker is killed. */
  | 'node crash'
  /** The speaker is killed, its host stays; the client asks by ARP each time. */
  | 'speaker crash'
  /** The plug of eth0 is pulled; the speaker runs on. */
  | 'carrier loss'
  /** The pod of the speaker is deleted. */
  | 'planned stop';

/** How a client saw it. */
export type Outage = {
  /** The longest time between two answers, in milliseconds. */
  readonly silenceMs: number;
  /** Requests without an answer. */
  readonly lost: number;
  readonly from: string;
  readonly to: string;
};

/** Where `udpBackend` answers. */
export const udpPort = 8081;
const port = udpPort;
const epoch = (): number => performance.timeOrigin + performance.now();

/** Everything that happens at a mishap is over by then, and what is lost is known to be. */
const settleMs = 2500;

/** A service that answers UDP. Its backends stand on the last node, which may not announce: no mishap touches them. */
export const prepareFailover = async (sandbox: Sandbox): Promise<string> => {
  const nodes = sandbox.lan.plan.hosts.filter(({ role }) => role === 'node').map(({ name }) => name);
  const backendNode = nodes.at(-1) ?? '';
  const notThere = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: [backendNode] };
  await apply(
    sandbox,
    udpBackend(backendNode),
    pool('failover', ['198.18.7.0/28']),
    l2Advertisement('failover', {
      ipAddressPools: ['failover'],
      nodeSelectors: [{ matchExpressions: [notThere] }],
    }),
    loadBalancer('failover', {
      annotations: { 'metallb.io/address-pool': 'failover' },
      selector: { app: 'udp' },
      ports: [{ name: 'udp', protocol: 'UDP', port, targetPort: port }],
    }),
  );
  return await eventually('the service gets an address', async () => (await addressesOf(sandbox, 'failover'))[0]);
};

/** A pod on that node that answers UDP, and still does for two seconds when it is told to end. */
export const udpBackend = (node: string, name = 'udp', app = name): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { name } },
    template: {
      metadata: { labels: { name, app } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': node },
        containers: [
          {
            name: 'agnhost',
            image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
            args: ['netexec', `--udp-port=${port}`, '--delay-shutdown=2'],
          },
        ],
      },
    },
  },
});

/** The node whose MAC the client has for the address. */
export const ownerOf = (sandbox: Sandbox, address: string): Promise<string> =>
  eventually(`the client knows who has ${address}`, async () => {
    const mac = await neighbourMac(sandbox, 'client', address);
    return mac !== undefined && (await nodeOfMac(sandbox, mac));
  });

/** Lets it happen to the owner of the address while a client asks every 5 ms, says what the client saw, and mends it. */
export const measureOutage = async (sandbox: Sandbox, address: string, mishap: Mishap): Promise<Outage> => {
  using udp = probeUdp(sandbox, 'client', address, port);
  await eventually('the client is answered', () => udp.answers.length > 20);
  const from = await ownerOf(sandbox, address);
  using arp = mishap === 'speaker crash' ? probeArp(sandbox, 'client', address) : undefined;
  // At another moment between two beacons each time.
  await sleep(500 + Math.random() * 100);
  const pid = (await processesOf(sandbox, 'speaker')).find(({ node }) => node === from)?.pid ?? 0;
  const at = epoch();
  await cause(sandbox, mishap, from, pid);
  const asked = () => (arp === undefined ? udp.answers : arpAnswers(arp.answers));
  await eventually('the client is answered again', () => asked().some(({ sentAt }) => sentAt > at + settleMs));
  const to = await ownerOf(sandbox, address);
  const outage = {
    silenceMs: longestSilence(
      asked().map(({ answeredAt }) => answeredAt),
      at - 200,
    ),
    lost: lostBetween(udp.answers, at - 200, at + settleMs - 500),
    from,
    to,
  };
  await mend(sandbox, mishap, from);
  return outage;
};

/** Answers to ARP in the form of those to UDP; announcements are none. */
const arpAnswers = (answers: readonly { readonly at: number; readonly isAnnouncement: boolean }[]) =>
  answers
    .filter(({ isAnnouncement }) => !isAnnouncement)
    .map(({ at }, number) => ({ number, sentAt: at, answeredAt: at }));

/** Who owned an address before and after, and how many requests to it got no answer meanwhile. */
export type PlannedMove = Pick<Outage, 'lost' | 'from' | 'to'>;

/** Lets `act` run to its end while a client asks every 5 ms. */
export const measureMove = async (
  sandbox: Sandbox,
  address: string,
  act: (from: string) => Promise<unknown>,
): Promise<PlannedMove> => {
  using udp = probeUdp(sandbox, 'client', address, port);
  await eventually('the client is answered', () => udp.answers.length > 20);
  const from = await ownerOf(sandbox, address);
  const at = epoch();
  await act(from);
  await sleep(1000);
  const end = epoch();
  await eventually('the client is answered again', () => udp.answers.some(({ sentAt }) => sentAt > end + 200));
  return { lost: lostBetween(udp.answers, at, end), from, to: await ownerOf(sandbox, address) };
};

const cause = async (sandbox: Sandbox, mishap: Mishap, node: string, pid: number): Promise<void> => {
  switch (mishap) {
    case 'node crash':
      await sandbox.unplug(node);
      process.kill(pid, 'SIGKILL');
      return;
    case 'speaker crash':
      process.kill(pid, 'SIGKILL');
      return;
    case 'carrier loss':
      await sandbox.unplug(node, 0);
      return;
    case 'planned stop':
      await sandbox.kubectl([...deleteSpeaker(node), '--wait=false']);
      return;
  }
};

/** A new pod takes the place of one whose container was killed: the container itself would be started later each time. */
const mend = async (sandbox: Sandbox, mishap: Mishap, node: string): Promise<void> => {
  if (mishap === 'node crash' || mishap === 'carrier loss') await sandbox.plug(node);
  if (mishap === 'node crash' || mishap === 'speaker crash') {
    await sandbox.kubectl([...deleteSpeaker(node), '--force', '--grace-period=0'], { timeout: 60_000 });
  }
  await rolledOut(sandbox, 'daemonset/speaker');
};

const deleteSpeaker = (node: string): readonly string[] => [
  '-n',
  'metallb-system',
  'delete',
  'pod',
  '-l',
  'component=speaker',
  `--field-selector=spec.nodeName=${node}`,
];
