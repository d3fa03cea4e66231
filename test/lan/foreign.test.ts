import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { ResponderReport } from '../../speaker/responder/messages.ts';
import type { OwnershipReport } from '../../src/proto/ownership/machine.ts';
import { createNamespace, type Namespace, plugIn } from '../support/netns.ts';
import { formatMac } from '../support/mac.ts';
import { Asking, makeLan, nameOf } from './members.ts';
import { groupOf, type ResponderProcess } from './responder-process.ts';
import { soon } from './three-nodes.ts';

const address = '198.18.1.7';

type Conflict = Extract<OwnershipReport, { readonly type: 'conflict' }>;

const conflicts = (speaker: ResponderProcess): Conflict[] =>
  speaker.ownership().filter((report): report is Conflict => report.type === 'conflict');

/** Waits until a speaker has reported a conflict; when that was. */
const conflictReported = async (speaker: ResponderProcess): Promise<number> => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const look = (report: ResponderReport): void => {
    if (report.type === 'ownership' && report.reports.some(({ type }) => type === 'conflict')) resolve(Date.now());
  };
  for (const report of speaker.reports) look(report);
  speaker.child.on('message', look);
  return promise;
};

/** A router that answers for every address it has another way to, this long after it was asked by broadcast, at most. */
const makeProxy = async (lan: Namespace, delay: number): Promise<Namespace> => {
  const router = await createNamespace('router');
  await plugIn(lan, 'router', router, 'eth0');
  await router.addAddress('eth0', '198.18.0.254/16');
  await router.ip(
    'link add name away type veth peer name far',
    'link set far up',
    'link set away up',
    'route add 198.18.1.0/24 dev away',
  );
  await router.sysctl({
    'net.ipv4.conf.eth0.proxy_arp': 1,
    'net.ipv4.conf.all.forwarding': 1,
    // In hundredths of a second.
    'net.ipv4.neigh.eth0.proxy_delay': delay,
  });
  return router;
};

/** Gives a speaker that asks first an address; the first conflict, and how many ms after the order it was said. */
const announced = async (
  speaker: ResponderProcess,
): Promise<{ readonly conflict: Conflict; readonly took: number }> => {
  const since = Date.now();
  speaker.announce([address]);
  const took = (await conflictReported(speaker)) - since;
  return { conflict: conflicts(speaker)[0]!, took };
};

describe.runIf(process.getuid?.() === 0)('another host that answers for an address', () => {
  test('keeps it from being announced if it has the address, and that is said', async () => {
    await using lan = await makeLan(1);
    await lan.client.addAddress('eth0', `${address}/32`);
    const speaker = await lan.startAs(0, { isProbing: true });
    const { conflict, took } = await announced(speaker);
    console.log(`foreign host: said after ${took} ms`);
    expect(took).toBeLessThan(1000);
    expect(conflict).toMatchObject({ ip: address, isDefended: false });
    expect(formatMac(conflict.mac!)).toBe(await lan.client.macOf('eth0'));
    await sleep(1000);
    expect([speaker.assumptions(), speaker.counters(address).gratuitous]).toEqual([[], 0]);
  });

  test('keeps nothing from being announced where nobody asks first', async () => {
    await using lan = await makeLan(1);
    await using other = await createNamespace('other');
    await plugIn(lan.switch, 'other', other, 'eth0');
    await other.addAddress('eth0', `${address}/32`);
    await lan.start(0, groupOf([address], [nameOf(0)]));
    using asking = new Asking(lan.client, address);
    await expect.poll(() => asking.answering(300), soon).toContain(lan.macs[0]);
  });

  // Linux answers no ARP probe for others (its sender has no address), but an announcement.
  test.each([0, 80])('is named though it is a router with proxy ARP that takes %i/100 s', async (delay) => {
    await using lan = await makeLan(1);
    await using router = await makeProxy(lan.switch, delay);
    const speaker = await lan.startAs(0, { isProbing: true });
    const { conflict, took } = await announced(speaker);
    console.log(`proxy ARP of at most ${delay}0 ms: said after ${took} ms`);
    expect(took).toBeLessThan(1500);
    expect(conflict).toMatchObject({ ip: address, isDefended: true });
    expect(formatMac(conflict.mac!)).toBe(await router.macOf('eth0'));
    using asking = new Asking(lan.client, address);
    await expect.poll(() => asking.answering(300), soon).toContain(lan.macs[0]);
  });
});
