import { once } from 'node:events';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AddressEvent, LinkEvent } from '../../src/io/netlink.ts';
import { connect, createNamespace, type Namespace } from '../support/netns.ts';
import { type SocketProcess, startSocketProcess } from './socket-process.ts';

/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 20 };

describe.runIf(process.getuid?.() === 0)('what the kernel does and tells about an interface', () => {
  let host: Namespace;
  let far: Namespace;
  let onHost: SocketProcess;

  beforeEach(async () => {
    [host, far] = await Promise.all([createNamespace('host'), createNamespace('far')]);
    await connect(host, 'eth0', far, 'eth0');
    onHost = await startSocketProcess(host);
  });

  afterEach(async () => {
    await onHost[Symbol.asyncDispose]();
    await Promise.all([host[Symbol.asyncDispose](), far[Symbol.asyncDispose]()]);
  });

  /** The groups of IPv6 that `eth0` is a member of, as 32 digits. */
  const memberships = async (): Promise<readonly string[]> => {
    const { stdout } = await host.exec(['cat', '/proc/net/igmp6']);
    return [...stdout.matchAll(/eth0\s+([0-9a-f]{32})/g)].map(([, group]) => group!);
  };

  test.each([131_072, 2048])('groups are joined and left, also more than one socket may have (%i)', async (optmem) => {
    await host.sysctl({ 'net.core.optmem_max': optmem });
    const groups = Array.from({ length: 300 }, (_, index) => `ff02::1:ff00:${(index + 0x100).toString(16)}`);
    const hex = groups.map((group) => `ff0200000000000000000001ff000${group.slice(-3)}`);
    expect(await onHost.do({ do: 'join', groups })).toBe(300);
    expect(await memberships()).toEqual(expect.arrayContaining(hex));
    expect(await onHost.do({ do: 'join', groups: groups.slice(0, 1) })).toBe(1);
    await onHost.do({ do: 'leave', groups });
    expect((await memberships()).filter((group) => hex.includes(group))).toEqual(hex.slice(0, 1));
    await onHost.do({ do: 'leave', groups });
    expect((await memberships()).filter((group) => hex.includes(group))).toEqual([]);
  });

  test('groups of IPv4 are joined, more than the twenty of a socket', async () => {
    const groups = Array.from({ length: 50 }, (_, index) => `239.1.1.${index}`);
    expect(await onHost.do({ do: 'join', groups })).toBe(50);
    const { stdout } = await host.exec(['cat', '/proc/net/igmp']);
    for (let index = 0; index < 50; index++)
      expect(stdout).toContain(`${index.toString(16).padStart(2, '0').toUpperCase()}0101EF`);
  });

  test('a membership survives an interface that goes down and up, and ends with it', async () => {
    await onHost.do({ do: 'join', groups: ['ff02::1:ff00:7'] });
    await host.setLink('eth0', 'down');
    await host.setLink('eth0', 'up');
    expect(await memberships()).toContain('ff0200000000000000000001ff000007');
    await host.ip('link del eth0');
    expect(await onHost.do({ do: 'join', groups: ['ff02::1:ff00:8'] })).toBe(0);
    await onHost.do({ do: 'leave', groups: ['ff02::1:ff00:7'] });
  });

  test('the kernel reports a membership, so that switches pass its frames', async () => {
    // Behind the header of IPv6 and its hop-by-hop options: a version 2 multicast listener report (RFC 3810 section 5.2).
    const capture = far.spawn(['tcpdump', '-l', '-v', '-n', '-i', 'eth0', 'ip6[48] == 143']);
    await once(capture.stderr!, 'data'); // it says that it listens
    let output = '';
    capture.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await onHost.do({ do: 'join', groups: ['ff02::1:ff00:7'] });
    await expect.poll(() => output, soon).toContain('ff02::1:ff00:7');
  });

  test('a packet socket has its interface take the frames of a group', async () => {
    await onHost.do({ do: 'joinFrames', mac: 0x333380001f0b });
    const { stdout } = await host.exec(['ip', 'maddr', 'show', 'dev', 'eth0']);
    expect(stdout).toContain('33:33:80:00:1f:0b');
  });

  test('the driver says at once when the far end goes, and when frames come', async () => {
    const look = async (device = 'eth0'): Promise<{ carrier?: boolean; frames?: number }> =>
      (await onHost.do({ do: 'carrier', device })) as { carrier?: boolean; frames?: number };
    const before = await look();
    expect(before.carrier).toBe(true);
    await far.ip('addr add 198.18.0.2/24 dev eth0');
    await far.exec(['arping', '-c', '3', '-W', '0.01', '-U', '-I', 'eth0', '198.18.0.2'], { check: false });
    expect((await look()).frames).toBeGreaterThanOrEqual(before.frames! + 3);
    await far.setLink('eth0', 'down');
    expect((await look()).carrier).toBe(false);
    await far.setLink('eth0', 'up');
    expect((await look()).carrier).toBe(true);
    await host.setLink('eth0', 'down');
    expect((await look()).carrier).toBe(false);
    expect(await look('eth7')).toEqual({ carrier: false });
  });

  test('links say when they lose and find carrier', async () => {
    await onHost.do({ do: 'links' });
    const seen: LinkEvent[] = [];
    const flags = async (): Promise<number | undefined> => {
      seen.push(...((await onHost.do({ do: 'links' })) as readonly LinkEvent[]));
      const last = seen.findLast((event) => event.type === 'link');
      return last === undefined ? undefined : last.link.flags & 0x1_0000;
    };
    await far.setLink('eth0', 'down');
    await expect.poll(flags, soon).toBe(0);
    await far.setLink('eth0', 'up');
    await expect.poll(flags, soon).toBe(0x1_0000);
  });

  test('addresses come and go, those of IPv6 once no other host has them', async () => {
    await far.addAddress('eth0', '2001:db8::9/64');
    await host.ip('addr add 198.18.0.1/24 dev eth0', 'addr add 198.18.0.7/32 dev eth0');
    const seen = new Set<string>();
    let isDone = false;
    const usable = async (): Promise<readonly string[]> => {
      for (const event of (await onHost.do({ do: 'addresses' })) as readonly AddressEvent[]) {
        if (event.type === 'done') isDone = true;
        if (event.type !== 'address' && event.type !== 'addressRemoved') continue;
        const { ip, prefixLength, isLinkLocal } = event.address;
        const line = `${ip}/${prefixLength}${isLinkLocal ? ' link' : ''}`;
        if (event.type === 'address') seen.add(line);
        else seen.delete(line);
      }
      return [...seen].filter((line) => !line.startsWith('127.0.0.1/') && !line.startsWith('::1/')).toSorted();
    };
    const linkLocal = expect.stringMatching(/^fe80::.*\/64 link$/) as string;
    await expect.poll(usable, soon).toEqual(['198.18.0.1/24', '198.18.0.7/32', linkLocal]);
    expect(isDone).toBe(true);
    await host.ip(
      'addr del 198.18.0.7/32 dev eth0',
      'addr add 2001:db8::1/64 dev eth0',
      'addr add 2001:db8::9/64 dev eth0',
    );
    await expect.poll(usable, soon).toEqual(['198.18.0.1/24', '2001:db8::1/64', linkLocal]);
    await expect
      .poll(() => host.exec(['ip', 'addr', 'show', 'dev', 'eth0']).then(({ stdout }) => stdout), soon)
      .toContain('dadfailed');
    expect(await usable()).toEqual(['198.18.0.1/24', '2001:db8::1/64', linkLocal]);
    await host.ip('link del eth0');
    await expect.poll(usable, soon).toEqual([]);
  });
});
