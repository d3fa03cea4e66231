import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { probeArp } from '../support/cluster/arp-probe.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { measureOutage, ownerOf, prepareFailover } from '../support/cluster/failover.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { rolledOut } from '../support/cluster/metallb.ts';
import { processesOf } from '../support/cluster/processes.ts';

const cluster = metallbCluster();

let address: string;

beforeAll(async () => {
  address = await prepareFailover(cluster());
});

/** Speakers that were restarted know each other by then. */
beforeEach(() => sleep(2000));

/** The hardware addresses that answer ARP for the address within a second. */
const answering = async (): Promise<Set<string>> => {
  using probe = probeArp(cluster(), 'client', address, 10);
  await eventually('somebody answers', () => probe.answers.length > 50);
  return new Set(probe.answers.map(({ mac }) => mac));
};

const speakerOf = async (node: string): Promise<number> =>
  (await processesOf(cluster(), 'speaker')).find((each) => each.node === node)?.pid ?? 0;

test.each(['node crash', 'speaker crash', 'carrier loss'] as const)(
  'after a %s another node answers, and it alone when the first is back',
  async (mishap) => {
    const { from, to, silenceMs } = await measureOutage(cluster(), address, mishap);
    console.log(`${mishap}: ${silenceMs.toFixed(0)} ms without an answer`);
    expect(to).not.toBe(from);
    expect(await answering()).toHaveProperty('size', 1);
    expect(await ownerOf(cluster(), address)).toBe(to); // what returns takes nothing back
  },
);

test('a speaker that is told to end hands its addresses over, and no request is lost', async () => {
  const { from, to, lost } = await measureOutage(cluster(), address, 'planned stop');
  expect(to).not.toBe(from);
  expect(lost).toBe(0);
});

test('with the gossip port blocked and the API server away nothing moves, and a crash is handled as ever', async () => {
  const nodes = cluster()
    .lan.plan.hosts.filter(({ role }) => role === 'node')
    .map(({ name }) => name);
  const drop = 'add table inet t; add chain inet t i { type filter hook input priority 0; }; ';
  const rules = `${drop}add rule inet t i tcp dport 7946 drop; add rule inet t i udp dport 7946 drop`;
  for (const node of nodes) await cluster().exec(node, ['nft', rules]);
  const owner = await ownerOf(cluster(), address);
  const speaker = await speakerOf(owner);
  await cluster().stop('kube-apiserver');
  try {
    await sleep(15_000); // memberlist would have given up on everybody
    expect(await answering()).toHaveProperty('size', 1);
    expect(await ownerOf(cluster(), address)).toBe(owner);
    process.kill(speaker, 'SIGKILL');
    await eventually('another node answers', async () => (await ownerOf(cluster(), address)) !== owner);
    expect(await answering()).toHaveProperty('size', 1);
  } finally {
    await cluster().start('kube-apiserver');
    for (const node of nodes) await cluster().exec(node, ['nft', 'delete table inet t'], { check: false });
  }
  await rolledOut(cluster(), 'daemonset/speaker');
});

test('a partition has an owner on the client’s side, and when it heals one node answers', async () => {
  const owner = await ownerOf(cluster(), address);
  await cluster().lan.partition([owner]);
  await eventually('the other side has an owner', async () => (await ownerOf(cluster(), address)) !== owner);
  await cluster().lan.heal();
  await sleep(500);
  expect(await answering()).toHaveProperty('size', 1);
  expect(await ownerOf(cluster(), address)).not.toBe(owner);
});

test('a speaker that is stopped for two seconds finds another owner, and stays silent', async () => {
  const owner = await ownerOf(cluster(), address);
  const pid = await speakerOf(owner);
  const mac = await cluster().lan.host(owner).macOf('eth0');
  using probe = probeArp(cluster(), 'client', address);
  process.kill(pid, 'SIGSTOP');
  await sleep(2000);
  const from = probe.answers.length;
  process.kill(pid, 'SIGCONT');
  await sleep(1000);
  const after = probe.answers.slice(from);
  expect(after.length).toBeGreaterThan(50);
  expect(after.filter((answer) => answer.mac === mac)).toEqual([]);
});
