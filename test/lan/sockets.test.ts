import { once } from 'node:events';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, createNamespace, makeSwitch, type Namespace, plugIn } from '../support/netns.ts';
import type { ReceivedText } from './socket-program.ts';
import { type SocketProcess, startSocketProcess } from './socket-process.ts';

/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 20 };

const port = 7947;
const groups = { IPv4: '224.0.0.179', IPv6: 'ff02::8000:1f0b' } as const;

describe.runIf(process.getuid?.() === 0)('sockets of two hosts on a switch', () => {
  let lan: Namespace;
  let a: Namespace;
  let b: Namespace;
  let onA: SocketProcess;
  let onB: SocketProcess;

  beforeAll(async () => {
    [lan, a, b] = (await Promise.all(['lan', 'a', 'b'].map((label) => createNamespace(label)))) as [
      Namespace,
      Namespace,
      Namespace,
    ];
    await makeSwitch(lan);
    for (const [index, host] of [a, b].entries()) {
      await host.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
      await plugIn(lan, `port${index}`, host, 'eth0', `02:00:00:00:00:0${index + 1}`);
      await host.addAddress('eth0', `198.18.0.${index + 1}/24`);
      await host.addAddress('eth0', `2001:db8::${index + 1}/64`);
    }
  });

  afterAll(async () => {
    for (const host of [lan, a, b]) await host[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    [onA, onB] = await Promise.all([startSocketProcess(a), startSocketProcess(b)]);
  });

  afterEach(async () => {
    await Promise.all([onA[Symbol.asyncDispose](), onB[Symbol.asyncDispose]()]);
  });

  /** A socket for beacons on each host. */
  const openBoth = async (family: 'IPv4' | 'IPv6'): Promise<void> => {
    for (const host of [onA, onB]) {
      const order = { do: 'open', name: 'beacons', family, port, device: 'eth0', group: groups[family] } as const;
      expect(await host.do(order)).toBe('open');
    }
  };
  const send = (host: SocketProcess, to: string, text = 'hello'): Promise<unknown> =>
    host.do({ do: 'send', name: 'beacons', text, to, port });

  test.each([
    ['IPv4', '198.18.0.1', '198.18.0.2'],
    ['IPv6', 'fe80::ff:fe00:1', 'fe80::ff:fe00:2'],
  ] as const)('what one sends by the group of %s the other receives, and not itself', async (family, from, other) => {
    await openBoth(family);
    expect(await send(onA, groups[family])).toBe(true);
    await expect.poll(() => onB.received('beacons'), soon).toEqual([{ text: 'hello', from, port }]);
    expect(await send(onB, from, 'unicast')).toBe(true);
    await expect.poll(() => onA.received('beacons'), soon).toEqual([{ text: 'unicast', from: other, port }]);
    expect(await onB.received('beacons')).toEqual([]);
  });

  test('datagrams come to the socket of their interface, those of other networks to the one without', async () => {
    await using c = await createNamespace('c');
    await connect(b, 'eth1', c, 'eth0');
    await b.addAddress('eth1', '198.18.1.2/24');
    await c.addAddress('eth0', '198.18.1.3/24');
    await using onC = await startSocketProcess(c);
    const group = groups.IPv4;
    for (const device of ['eth0', 'eth1'])
      expect(await onB.do({ do: 'open', name: device, family: 'IPv4', port, device, group })).toBe('open');
    expect(await onB.do({ do: 'open', name: 'routed', family: 'IPv4', port })).toBe('open');
    const senders = [
      { host: onA, text: 'a', own: '198.18.0.2' },
      { host: onC, text: 'c', own: '198.18.1.2' },
    ];
    for (const { host, text, own } of senders) {
      await host.do({ do: 'open', name: 'beacons', family: 'IPv4', port, device: 'eth0', group });
      expect(await send(host, group, `${text} to all`)).toBe(true);
      expect(await send(host, own, `${text} to one`)).toBe(true);
    }
    const texts = async (name: string): Promise<readonly string[]> =>
      (await onB.received(name)).map(({ text }) => text);
    await expect.poll(() => texts('eth0'), soon).toEqual(['a to all', 'a to one']);
    await expect.poll(() => texts('eth1'), soon).toEqual(['c to all', 'c to one']);
    expect(await texts('routed')).toEqual([]);
    await onB.do({ do: 'close', name: 'eth1' });
    expect(await send(onC, '198.18.1.2', 'routed')).toBe(true);
    await expect.poll(() => texts('routed'), soon).toEqual(['routed']);
    expect(await onB.do({ do: 'send', name: 'routed', text: 'back', to: '198.18.1.3', port })).toBe(true);
    await expect.poll(() => onC.received('beacons'), soon).toEqual([{ text: 'back', from: '198.18.1.2', port }]);
  });

  test('an interface that goes down sends nothing, hears again once it is back, and may vanish', async () => {
    await openBoth('IPv4');
    expect(await send(onB, groups.IPv4, 'before')).toBe(true);
    await expect.poll(() => onA.received('beacons'), soon).toHaveLength(1);
    await a.setLink('eth0', 'down');
    expect(await send(onA, groups.IPv4)).toBe(false);
    expect(await send(onA, '198.18.0.2')).toBe(false);
    expect(await onA.received('beacons')).toEqual([]);
    await a.setLink('eth0', 'up');
    await expect.poll(() => send(onA, groups.IPv4), soon).toBe(true);
    await expect
      .poll(() => send(onB, groups.IPv4, 'after').then(() => onA.received('beacons')), soon)
      .toContainEqual({ text: 'after', from: '198.18.0.2', port });
    await a.ip('link del eth0');
    expect(await send(onA, groups.IPv4)).toBe(false);
    expect(await onA.received('beacons')).toEqual([]);
    await plugIn(lan, 'port0', a, 'eth0', '02:00:00:00:00:01');
    await a.addAddress('eth0', '198.18.0.1/24');
    await a.addAddress('eth0', '2001:db8::1/64');
  });

  test('a host says when no program has the port', async () => {
    const ask = (to: string): Promise<unknown> => onA.do({ do: 'probe', to, port, device: 'eth0' });
    expect(await ask('198.18.0.2')).toBe('refused');
    expect(await ask('fe80::ff:fe00:2')).toBe('refused');
    await openBoth('IPv4');
    const asked = ask('198.18.0.2');
    await expect.poll(() => onB.received('beacons'), soon).toMatchObject([{ text: 'question', from: '198.18.0.1' }]);
    expect(await asked).toBe('silent');
    expect(await ask('198.18.0.77')).toBe('silent');
    expect(await ask('2001:db8:1::1')).not.toBe('refused');
  });

  test('an answer to a question comes back to whoever has asked', async () => {
    await openBoth('IPv6');
    const asked = onA.do({ do: 'probe', to: 'fe80::ff:fe00:2', port, device: 'eth0' });
    let from: ReceivedText | undefined;
    await expect.poll(async () => ([from] = await onB.received('beacons')), soon).toHaveLength(1);
    await onB.do({ do: 'send', name: 'beacons', text: 'alive', to: from!.from, port: from!.port });
    expect(await asked).toBe('alive');
  });

  test('a packet filter that drops what is sent is no error', async () => {
    await openBoth('IPv4');
    await a.exec(['nft', 'add table inet t; add chain inet t o { type filter hook output priority 0; policy drop; }']);
    try {
      expect(await send(onA, groups.IPv4)).toBe(false);
      expect(await onA.do({ do: 'probe', to: '198.18.0.2', port, device: 'eth0' })).toBe('no way');
    } finally {
      await a.exec(['nft', 'delete table inet t']);
    }
    expect(await send(onA, groups.IPv4)).toBe(true);
  });

  test.each([
    ['198.18.0.2', 'icmp type admin-prohibited'],
    ['198.18.0.2', 'icmp type host-prohibited'],
    ['2001:db8::2', 'icmpv6 type admin-prohibited'],
  ])('a packet filter of %s that rejects with %s is no refusal of the port', async (to, reject) => {
    const rule = `udp dport ${port} reject with ${reject}`;
    await b.exec([
      'nft',
      `add table inet t; add chain inet t i { type filter hook input priority 0; }; add rule inet t i ${rule}`,
    ]);
    try {
      expect(await onA.do({ do: 'probe', to, port, device: 'eth0' })).toBe('silent');
    } finally {
      await b.exec(['nft', 'delete table inet t']);
    }
  });

  test('what cannot be opened says why', async () => {
    const open = { do: 'open', name: 'beacons', port, device: 'eth0', group: groups.IPv6, family: 'IPv6' } as const;
    await a.sysctl({ 'net.ipv6.conf.eth0.disable_ipv6': 1 });
    try {
      expect(await onA.do(open)).toBe('open'); // it is on the day that IPv6 comes back
      expect(await send(onA, groups.IPv6)).toBe(false);
    } finally {
      await a.sysctl({ 'net.ipv6.conf.eth0.disable_ipv6': 0 });
    }
    // A program that keeps the port to itself.
    const program = "require('dgram').createSocket('udp6').bind(7947, () => console.log('bound'))";
    const foreign = b.spawn([process.execPath, '-e', program]);
    try {
      await once(foreign.stdout!, 'data');
      expect(await onB.do(open)).toBe('EADDRINUSE');
    } finally {
      foreign.kill();
    }
  });

  test('none of this needs a capability on kernels of today', async () => {
    await using bare = await startSocketProcess(a, 'none');
    const open = { do: 'open', name: 'beacons', family: 'IPv4', port, device: 'eth0', group: groups.IPv4 } as const;
    expect(await bare.do(open)).toBe('open');
    expect(await send(bare, groups.IPv4)).toBe(true);
    expect(await bare.do({ do: 'probe', to: '198.18.0.2', port: 7949, device: 'eth0' })).toBe('refused');
    expect(await bare.do({ do: 'join', groups: ['ff02::1:ff00:7', '224.0.0.200'] })).toBe(2);
    expect(await bare.do({ do: 'carrier', device: 'eth0' })).toMatchObject({ carrier: true });
  });
});
