import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, createNamespace, makeSwitch, type Namespace, plugIn } from '../support/netns.ts';
import { startPorts } from './port-process.ts';

const isRoot = process.getuid?.() === 0;
/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 50 };

/** A host whose own addresses are usable at once. */
const createHost = async (label: string): Promise<Namespace> => {
  const host = await createNamespace(label);
  await host.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
  return host;
};

/** Asks for addresses once each: which MACs answered, every answer counted. Silent addresses are left out. */
const ask = async (host: Namespace, addresses: readonly string[]): Promise<Record<string, string[]>> => {
  const argv = [process.execPath, `${import.meta.dirname}/ndp-client-program.ts`, JSON.stringify(addresses)];
  return JSON.parse((await host.exec(argv, { timeout: 120_000 })).stdout) as Record<string, string[]>;
};

/** The entry of the kernel's neighbour table: its MAC and state. */
const neighbour = async (host: Namespace, ip: string): Promise<string | undefined> => {
  const { stdout } = await host.exec(['ip', '-6', '-json', 'neigh', 'show', ip]);
  const [entry] = JSON.parse(stdout) as { lladdr?: string; state: string[] }[];
  return entry?.lladdr === undefined ? undefined : `${entry.lladdr} ${entry.state.join()}`;
};

/** Makes the kernel resolve an address: sends it a datagram, which nobody answers. */
const resolve = async (host: Namespace, ip: string): Promise<void> => {
  await host.exec(['bash', '-c', `echo > /dev/udp/${ip}/9`], { check: false });
};

/** Makes a kernel ask for an address of which it knows nothing. */
const resolveAnew = async (host: Namespace, ip: string): Promise<void> => {
  await host.ip('neigh flush dev eth0');
  await resolve(host, ip);
};

const groupsOf = async (host: Namespace, interfaceName = 'eth0'): Promise<string[]> => {
  const { stdout } = await host.exec(['ip', '-6', '-json', 'maddr', 'show', 'dev', interfaceName]);
  const [link] = JSON.parse(stdout) as { maddr: { address?: string }[] }[];
  return (link?.maddr ?? []).flatMap(({ address }) => address ?? []);
};

/** Whether the kernel of a host has found that another one has its address. */
const hasFailedDetection = async (host: Namespace, ip: string): Promise<boolean> => {
  const { stdout } = await host.exec(['ip', '-6', 'addr', 'show', 'to', ip]);
  return stdout.includes('dadfailed');
};

describe.runIf(isRoot)('two nodes and a client on a switch', () => {
  let lan: Namespace;
  let n1: Namespace;
  let n2: Namespace;
  let client: Namespace;
  let mac1: string;
  let mac2: string;

  beforeAll(async () => {
    lan = await createNamespace('lan');
    [n1, n2, client] = [await createHost('n1'), await createHost('n2'), await createHost('client')];
    await makeSwitch(lan);
    for (const [index, host] of [n1, n2, client].entries()) {
      await plugIn(lan, `port${index}`, host, 'eth0');
      await host.addAddress('eth0', `2001:db8::1:${index + 1}/64`);
    }
    [mac1, mac2] = await Promise.all([n1.macOf('eth0'), n2.macOf('eth0')]);
  });

  afterAll(async () => {
    for (const host of [lan, n1, n2, client]) await host[Symbol.asyncDispose]();
  });

  test('Linux resolves an address and finds it reachable', async () => {
    await using ports = await startPorts(n1, 'eth0');
    await ports.add('2001:db8::7');
    await resolveAnew(client, '2001:db8::7');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${mac1} REACHABLE`);
  });

  test('ndisc6 finds an address', async () => {
    await using ports = await startPorts(n1, 'eth0');
    await ports.add('2001:db8::7');
    const { stdout } = await client.exec(['ndisc6', '-1', '-q', '-r', '1', '-w', '500', '2001:db8::7', 'eth0']);
    expect(stdout.trim().toLowerCase()).toBe(mac1);
  });

  test('addresses that are not ours stay silent, one that is withdrawn falls silent at once', async () => {
    await using ports = await startPorts(n1, 'eth0');
    await ports.add('2001:db8::7', '2001:db8::8');
    const asked = ['2001:db8::7', '2001:db8::8', '2001:db8::9', '2001:db8:1::7', 'fe80::7'];
    expect(await ask(client, asked)).toEqual({ '2001:db8::7': [mac1], '2001:db8::8': [mac1] });
    await ports.remove('2001:db8::8');
    expect(await ask(client, asked)).toEqual({ '2001:db8::7': [mac1] });
  });

  test.each(['REACHABLE', 'STALE'])('a takeover is learnt at once by a client whose entry is %s', async (state) => {
    await using first = await startPorts(n1, 'eth0');
    await using second = await startPorts(n2, 'eth0');
    await first.add('2001:db8::7');
    await resolveAnew(client, '2001:db8::7');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${mac1} REACHABLE`);
    await client.ip(`neigh replace 2001:db8::7 lladdr ${mac1} dev eth0 nud ${state.toLowerCase()}`);
    await first.remove('2001:db8::7');
    await second.add('2001:db8::7');
    // No datagram goes out meanwhile: the announcement alone tells, and what is only told is to be verified.
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${mac2} STALE`);
    expect(await ask(client, ['2001:db8::7'])).toEqual({ '2001:db8::7': [mac2] });
  });

  test('the probes of a client that keeps an entry fresh are answered', async () => {
    await using ports = await startPorts(n1, 'eth0');
    await ports.add('2001:db8::7');
    await resolveAnew(client, '2001:db8::7');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${mac1} REACHABLE`);
    await client.sysctl({ 'net.ipv6.neigh.eth0.delay_first_probe_time': 1 });
    const filter = `ether dst ${mac1} and icmp6 and ip6[40] == 135`;
    const capture = client.spawn(['timeout', '20', 'tcpdump', '-c', '1', '-l', '-n', '-i', 'eth0', filter]);
    await once(capture.stderr!, 'data'); // it says that it listens
    const ended = once(capture, 'close');
    await client.ip(`neigh replace 2001:db8::7 lladdr ${mac1} dev eth0 nud stale`);
    await resolve(client, '2001:db8::7'); // from now on the kernel waits for a sign of life, then probes
    const output = await text(capture.stdout!);
    await ended;
    expect(output).toContain('> 2001:db8::7: ICMP6, neighbor solicitation');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${mac1} REACHABLE`);
  });

  test(
    'an announcement is an unsolicited, overriding advertisement to all nodes, sent six times',
    { retry: 2 },
    async () => {
      await using ports = await startPorts(n1, 'eth0');
      const filter = `ether src ${mac1} and icmp6 and ip6[40] == 136`;
      const argv = ['timeout', '20', 'tcpdump', '-c', '6', '-l', '-n', '-v', '-e', '-tt', '-i', 'eth0', filter];
      const capture = client.spawn(argv);
      await once(capture.stderr!, 'data');
      const ended = once(capture, 'close');
      await ports.add('2001:db8::7');
      const output = await text(capture.stdout!);
      await ended;
      const frames = output.split(/\n(?=\d)/);
      expect(frames.length).toBe(6);
      for (const frame of frames) {
        expect(frame).toContain(`${mac1} > 33:33:00:00:00:01`);
        expect(frame).toMatch(
          /hlim 255.*2001:db8::7 > ff02::1: \[icmp6 sum ok\].*tgt is 2001:db8::7, Flags \[override\]/s,
        );
        expect(frame).toContain(`destination link-address option (2), length 8 (1): ${mac1}`);
      }
      const times = frames.map((frame) => Number(frame.split(' ')[0]));
      for (const [index, offset] of [0, 0.05, 0.25, 1, 2, 5].entries()) {
        const late = times[index]! - times[0]! - offset;
        expect(late, `announcement ${index}`).toBeGreaterThan(-0.01);
        expect(late, `announcement ${index}`).toBeLessThan(0.5);
      }
    },
  );

  test('a host that configures an address of ours finds out that it is taken', async () => {
    await using host = await createNamespace('host'); // with duplicate address detection
    await plugIn(lan, 'late', host, 'eth0');
    await using ports = await startPorts(n1, 'eth0');
    await ports.add('2001:db8::7');
    await host.ip('addr add 2001:db8::7/64 dev eth0', 'addr add 2001:db8::9/64 dev eth0');
    await expect.poll(() => hasFailedDetection(host, '2001:db8::7'), soon).toBe(true);
    expect(await hasFailedDetection(host, '2001:db8::9')).toBe(false);
  });

  test('6,000 addresses are all answered, and no other', async () => {
    await using ports = await startPorts(n1, 'eth0');
    const at = (low: number): string => `2001:db8::10:${low.toString(16)}`;
    const addresses = Array.from({ length: 6000 }, (_, index) => at(2 * index + 2));
    await ports.add(...addresses);
    const answers = await ask(client, addresses);
    expect(addresses.filter((ip) => answers[ip]?.join() !== mac1)).toEqual([]);
    const others = Array.from({ length: 500 }, (_, index) => at(2 * index + 3));
    expect(await ask(client, others)).toEqual({});
  });

  test.each([20_480, 256])('with optmem_max %i, 1,500 random addresses are all answered', async (optmem) => {
    await using node = await createHost('small');
    await node.sysctl({ 'net.core.optmem_max': optmem });
    await plugIn(lan, 'small', node, 'eth0');
    await using ports = await startPorts(node, 'eth0');
    const mac = await node.macOf('eth0');
    // 7919 is prime to 65,536, so all are different and far apart; no group of a zero, to be written as it comes back.
    const part = (index: number): string => (((index * 7919) % 65_535) + 1).toString(16);
    const addresses = Array.from(
      { length: 1500 },
      (_, n) => `2001:db8:1:1:${part(n)}:${part(n + 7)}:${part(3 * n)}:${part(n)}`,
    );
    await ports.add(...addresses.slice(0, 700));
    await ports.add(...addresses.slice(700)); // the filter is replaced while it is in use
    const answers = await ask(client, addresses);
    expect(addresses.filter((ip) => answers[ip]?.join() !== mac)).toEqual([]);
  });
});

describe.runIf(isRoot)('interfaces', () => {
  test('a node joins the group of each address that it answers or watches, and leaves it', async () => {
    await using node = await createHost('node');
    await using far = await createHost('far');
    await connect(node, 'eth0', far, 'eth0');
    await using ports = await startPorts(node, 'eth0');
    await ports.add('2001:db8::7', '2001:db8:1::7', '2001:db8::ab:cdef');
    await ports.order({ do: 'watch', ip: '2001:db8::9' });
    const ours = async (): Promise<string[]> =>
      (await groupsOf(node)).filter((group) => /^ff02::1:ff(00:7|00:9|ab:cdef)$/.test(group)).toSorted();
    expect(await ours()).toEqual(['ff02::1:ff00:7', 'ff02::1:ff00:9', 'ff02::1:ffab:cdef']);
    await ports.remove('2001:db8::7', '2001:db8::ab:cdef');
    await ports.order({ do: 'unwatch', ip: '2001:db8::9' });
    expect(await ours()).toEqual(['ff02::1:ff00:7']); // another address is of the same group
    await ports.remove('2001:db8:1::7');
    expect(await ours()).toEqual([]);
  });

  test('a switch that listens to multicast passes solicitations to the node, and knows of no other', async () => {
    await using lan = await createNamespace('snooping');
    await using node = await createHost('node');
    await using client = await createHost('client');
    await lan.ip('link add name br0 type bridge forward_delay 0 mcast_snooping 1 mcast_querier 1', 'link set br0 up');
    await plugIn(lan, 'node', node, 'eth0');
    await plugIn(lan, 'client', client, 'eth0');
    await client.addAddress('eth0', '2001:db8::1/64');
    await using ports = await startPorts(node, 'eth0');
    await ports.add('2001:db8::7');
    const listeners = async (): Promise<string[]> => {
      const { stdout } = await lan.exec(['bridge', '-json', 'mdb', 'show', 'dev', 'br0']);
      const [{ mdb }] = JSON.parse(stdout) as [{ mdb: { grp: string; port: string }[] }];
      return mdb.flatMap(({ grp, port }) => (grp === 'ff02::1:ff00:7' ? [port] : []));
    };
    await expect.poll(listeners, soon).toEqual(['node']);
    await resolveAnew(client, '2001:db8::7');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${await node.macOf('eth0')} REACHABLE`);
  });

  test('an address is answered on a macvlan interface with the MAC of that', async () => {
    await using node = await createHost('node');
    await using client = await createHost('client');
    await connect(node, 'eth0', client, 'eth0');
    await client.addAddress('eth0', '2001:db8::1/64');
    await node.ip('link add link eth0 name mac0 type macvlan mode bridge', 'link set mac0 up');
    await using ports = await startPorts(node, 'mac0');
    await ports.add('2001:db8::7');
    await resolveAnew(client, '2001:db8::7');
    await expect.poll(() => neighbour(client, '2001:db8::7'), soon).toBe(`${await node.macOf('mac0')} REACHABLE`);
  });
});

describe.runIf(isRoot)('other hosts', () => {
  let lan: Namespace;
  let node: Namespace;
  let host: Namespace;
  let hostMac: string;
  let hostLinkLocal: string;

  beforeAll(async () => {
    [lan, node, host] = [await createNamespace('lan'), await createHost('node'), await createHost('host')];
    await makeSwitch(lan);
    for (const [index, each] of [node, host].entries()) {
      await plugIn(lan, `port${index}`, each, 'eth0');
      await each.addAddress('eth0', `198.18.0.${index + 1}/16`);
      await each.addAddress('eth0', `2001:db8::1:${index + 1}/64`);
    }
    hostMac = await host.macOf('eth0');
    const { stdout } = await host.exec(['ip', '-6', '-oneline', 'addr', 'show', 'dev', 'eth0', 'scope', 'link']);
    hostLinkLocal = /inet6 (fe80:\S+)\//.exec(stdout)![1]!;
  });

  afterAll(async () => {
    for (const each of [lan, node, host]) await each[Symbol.asyncDispose]();
  });

  test.each(['198.18.0.2', '2001:db8::1:2'])('who has %s answers a probe, and is sighted', async (ip) => {
    await using ports = await startPorts(node, 'eth0');
    await ports.order({ do: 'watch', ip });
    await ports.order({ do: 'probe', ip });
    await expect.poll(() => ports.told, soon).toEqual([`claim ${ip} ${hostMac}`]);
  });

  test.each(['198.18.0.77', '2001:db8::77'])('nobody answers a probe for %s, which nobody has', async (ip) => {
    await using ports = await startPorts(node, 'eth0');
    await ports.order({ do: 'watch', ip }, { do: 'watch', ip: '198.18.0.2' }, { do: 'watch', ip: '2001:db8::1:2' });
    await ports.order({ do: 'probe', ip });
    const has = ip.includes(':') ? '2001:db8::1:2' : '198.18.0.2';
    await ports.order({ do: 'probe', ip: has });
    await expect.poll(() => ports.told, soon).toEqual([`claim ${has} ${hostMac}`]);
  });

  test('a host that takes an answered address without asking is sighted', async () => {
    await using ports = await startPorts(node, 'eth0');
    await ports.add('198.18.0.8', '2001:db8::8');
    await host.ip('addr add 198.18.0.8/16 dev eth0', 'addr add 2001:db8::8/64 dev eth0 nodad');
    await host.exec(['arping', '-c', '1', '-U', '-P', '-S', '198.18.0.8', '-I', 'eth0', '198.18.0.8'], {
      check: false,
    });
    await expect.poll(() => ports.told, soon).toContain(`claim 198.18.0.8 ${hostMac}`);
    await expect
      .poll(async () => {
        await ports.order({ do: 'probe', ip: '2001:db8::8' }); // Linux says nothing of its own accord
        return ports.told;
      }, soon)
      .toContain(`claim 2001:db8::8 ${hostMac}`);
    await host.ip('addr del 198.18.0.8/16 dev eth0', 'addr del 2001:db8::8/64 dev eth0');
  });

  test('a host that probes a watched address is sighted', async () => {
    await using ports = await startPorts(node, 'eth0');
    await using late = await createNamespace('late');
    await plugIn(lan, 'late', late, 'eth0');
    const mac = await late.macOf('eth0');
    await ports.order({ do: 'watch', ip: '198.18.0.9' }, { do: 'watch', ip: '2001:db8::9' });
    await late.ip('addr add 2001:db8::9/64 dev eth0');
    await late.exec(['arping', '-0', '-c', '1', '-w', '1', '-I', 'eth0', '198.18.0.9'], { check: false });
    await expect
      .poll(() => ports.told.toSorted(), soon)
      .toEqual([`probe 198.18.0.9 ${mac}`, `probe 2001:db8::9 ${mac}`]);
  });

  test('the kernel of a host answers for its own addresses at its own MAC, and at no other', async () => {
    await using ports = await startPorts(node, 'eth0');
    const own = ['198.18.0.2', '2001:db8::1:2', hostLinkLocal];
    await ports.order(...own.map((ip) => ({ do: 'ask', ip, at: '02:00:00:00:00:99' }) as const));
    await ports.order(...own.map((ip) => ({ do: 'ask', ip, at: hostMac }) as const));
    const answers = own.map((ip) => `answered ${ip} ${hostMac}`);
    await expect.poll(() => ports.told.toSorted(), soon).toEqual(answers.toSorted());
  });

  test('everybody is asked where no MAC is named', async () => {
    await using ports = await startPorts(node, 'eth0');
    await ports.order({ do: 'ask', ip: '198.18.0.2' }, { do: 'ask', ip: '2001:db8::1:2' });
    const answers = [`answered 198.18.0.2 ${hostMac}`, `answered 2001:db8::1:2 ${hostMac}`];
    await expect.poll(() => ports.told.toSorted(), soon).toEqual(answers);
  });

  test('an address is defended by one announcement', async () => {
    await using ports = await startPorts(node, 'eth0');
    await ports.add('198.18.0.7', '2001:db8::7');
    const mac = await node.macOf('eth0');
    await host.ip(
      'neigh replace 198.18.0.7 lladdr 02:00:00:00:00:99 dev eth0 nud stale',
      'neigh replace 2001:db8::7 lladdr 02:00:00:00:00:99 dev eth0 nud stale',
    );
    await ports.order({ do: 'defend', ip: '198.18.0.7' }, { do: 'defend', ip: '2001:db8::7' });
    await expect.poll(() => neighbour(host, '2001:db8::7'), soon).toBe(`${mac} STALE`);
    const { stdout } = await host.exec(['ip', '-4', 'neigh', 'show', '198.18.0.7']);
    expect(stdout).toContain(mac);
  });
});
