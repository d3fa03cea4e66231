import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLan, type Lan } from '../support/lan/lan.ts';
import { planLan } from '../support/lan/plan.ts';
import { requireTools } from '../support/tools.ts';

const isRoot = process.getuid?.() === 0;
let lan: Lan;

beforeAll(async () => {
  if (!isRoot) return;
  await requireTools(['arping', 'ip', 'ndisc6', 'sysctl']);
  const plan = planLan({ nodes: 2, nics: 2, subnet: '192.168.1.0/24' });
  if (!plan.ok) throw new Error(plan.error);
  lan = await createLan(plan.value, { scope: `t${process.pid}` });
});

afterAll(async () => {
  if (isRoot) await lan[Symbol.asyncDispose]();
});

const ask = async (host: string, interfaceName: string, target: string): Promise<string> => {
  const argv = ['arping', '-c', '1', '-w', '0.5', '-I', interfaceName, target];
  return (await lan.host(host).exec(argv, { check: false })).stdout;
};

test.runIf(isRoot)(
  'the client hears a node on both segments, with a hardware address that shows whose it is',
  async () => {
    expect(await ask('client', 'eth0', '192.168.1.11')).toContain('02:42:c0:a8:01:0b');
    expect(await ask('client', 'eth1', '192.168.2.11')).toContain('02:42:c0:a8:02:0b');
    expect((await lan.host('client').exec(['ndisc6', '-1', 'fd00:18::12', 'eth0'])).stdout.toLowerCase()).toContain(
      '02:42:c0:a8:01:0c',
    );
  },
);

test.runIf(isRoot)(
  'a node without its plug has no carrier and is heard by nobody, until it is plugged in again',
  async () => {
    const carrier = async (): Promise<string> =>
      (await lan.host('n1').exec(['cat', '/sys/class/net/eth0/carrier', '/sys/class/net/eth1/carrier'])).stdout;
    await lan.unplug('n1');
    expect(await carrier()).toBe('0\n0\n');
    expect(await ask('client', 'eth0', '192.168.1.11')).toContain('0 packets received');
    await lan.plug('n1');
    expect(await carrier()).toBe('1\n1\n');
    expect(await ask('client', 'eth0', '192.168.1.11')).toContain('1 packets received');
  },
);

test.runIf(isRoot)('nodes and control plane know the way to the pods of every node, the client does not', async () => {
  const way = async (host: string, address: string): Promise<string> =>
    (await lan.host(host).exec(['ip', 'route', 'get', address], { check: false })).stdout;
  expect(await way('cp', '10.244.2.7')).toContain('via 192.168.1.12 dev eth0');
  expect(await way('n1', 'fd00:10:244:2::7')).toContain('via fd00:18::12 dev eth0');
  expect(await way('n1', '10.244.9.7')).toBe('');
  expect(await way('client', '10.244.2.7')).toContain('via 192.168.1.1 dev eth0');
});

test.runIf(isRoot)('a host that the plan does not have is refused by name', async () => {
  await expect(lan.unplug('n3')).rejects.toThrow('there is no host "n3"; the hosts are router, cp, client, n1, n2');
});
