import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sharedAddress as address, soon, ThreeNodes } from './three-nodes.ts';

const isRoot = process.getuid?.() === 0;

/** The ports of the nodes on the switch. */
const ports = ['port0', 'port1', 'port2'];

describe.runIf(isRoot)('what a network does to three nodes', () => {
  let three: ThreeNodes;
  /** Index of the owner when a test begins. */
  let owner: number;

  /** Has the switch drop what matches a rule of nftables. */
  const drop = async (...matches: readonly string[]): Promise<void> => {
    const rules = matches.map((match) => `add rule bridge faults forward ${match} drop`);
    const hook = '{ type filter hook forward priority 0; }';
    const lines = ['add table bridge faults', `add chain bridge faults forward ${hook}`, ...rules];
    await three.lan.switch.exec(['nft', '-f', '-'], { input: `${lines.join('\n')}\n` });
  };
  const dropNothing = async (): Promise<void> => {
    await three.lan.switch.exec(['nft', 'delete', 'table', 'bridge', 'faults'], { check: false });
  };
  const say = (what: string, since: number): number => {
    const gap = three.asking.longestGap(since);
    console.log(
      `${what}: ${gap.toFixed(0)} ms without an answer, ${three.asking.unrest(since).toFixed(0)} ms unsettled`,
    );
    return gap;
  };

  beforeAll(async () => {
    three = await ThreeNodes.make();
  });

  afterAll(async () => {
    await three[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    await dropNothing();
    for (const port of ports) await three.lan.switch.setLink(port, 'up');
    owner = await three.settle();
  });

  test.each([
    // Where links stay up it takes three intervals of those that own nothing, and a second, to notice.
    ['loses its links', ports, 3000],
    ['keeps its links', ['br0'], 5500],
  ])('a switch that restarts and %s: one owner afterwards, and the clients are told', async (_, links, duration) => {
    const { lan, asking } = three;
    for (const link of links) await lan.switch.setLink(link, 'down');
    await sleep(duration);
    await lan.switch.ip(...links.map((link) => `link set dev ${link} up`));
    const since = Date.now();
    await expect.poll(() => asking.answering(500).length, soon).toBe(1);
    await sleep(1500);
    const first = asking.answers.find(({ at }) => at >= since)!.at - since;
    const told = asking.announcements.find(({ at }) => at >= since)!;
    console.log(
      `switch restarted: answered after ${first.toFixed(0)} ms, announced after ${(told.at - since).toFixed(0)} ms, ` +
        `${asking.unrest(since).toFixed(0)} ms unsettled`,
    );
    expect(first).toBeLessThan(1500);
    expect(asking.unrest(since)).toBeLessThan(200); // an interval and 150 ms
    expect(asking.announcements.findLast(({ at }) => at >= since)!.mac).toBe(asking.latest());
  });

  test.each([
    ['that of IPv4 beacons', ['ip daddr 224.0.0.179']],
    ['all of it', ['ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 ether daddr != ff:ff:ff:ff:ff:ff']],
  ])('where multicast is filtered, copies keep the peace, and a crash is handled: %s', async (_, filter) => {
    await drop(...filter);
    const since = Date.now();
    await sleep(6000);
    expect(three.asking.answering(Date.now() - since)).toEqual([three.lan.macs[owner]]);
    expect(say('multicast filtered', since)).toBeLessThan(1000);
    await expect.poll(() => three.speakers().map((speaker) => speaker.heard().size), soon).toEqual([2, 2, 2]);
    const crashed = Date.now();
    await three.lan.speaker(owner).kill();
    await three.succeeded(owner);
    expect(say('crash under filtered multicast', crashed)).toBeLessThan(1000);
    expect(three.asking.unrest(crashed)).toBe(0);
  });

  test('an owner that can receive but not send is replaced, and falls silent', async () => {
    const since = Date.now();
    await drop(`iifname "port${owner}"`);
    const successor = await three.succeeded(owner);
    expect(say('nothing sent arrives', since)).toBeLessThan(1000);
    const mute = three.lan.speaker(owner);
    await expect.poll(() => mute.ownership().findLast(({ type }) => type === 'notOwning')?.type, soon).toBeDefined();
    const healed = Date.now();
    await dropNothing();
    await sleep(2000);
    expect(three.asking.answering(1500)).toEqual([three.lan.macs[successor]]);
    expect(three.asking.unrest(healed)).toBe(0);
  });

  test('an owner that can send but not receive is replaced, and falls silent', async () => {
    const since = Date.now();
    await drop(`oifname "port${owner}"`);
    const successor = await three.succeeded(owner);
    // Nobody else misses it; it hears the others once a second, three of which have to be missing.
    expect(say('nothing arrives', since)).toBeLessThan(7000);
    const deaf = three.lan.speaker(owner);
    await expect.poll(() => deaf.ownership().findLast(({ type }) => type === 'notOwning')?.type, soon).toBeDefined();
    const healed = Date.now();
    await dropNothing();
    await sleep(2000);
    expect(three.asking.answering(1500)).toEqual([three.lan.macs[successor]]);
    expect(three.asking.unrest(healed)).toBe(0);
  });

  test('a key that is rotated at different moments moves nothing', async () => {
    const since = Date.now();
    const before = three.history();
    for (const speaker of three.speakers()) {
      speaker.order({ type: 'key', secret: new TextEncoder().encode('another secret') });
      await sleep(1200);
    }
    expect(three.asking.answering(Date.now() - since)).toEqual([three.lan.macs[owner]]);
    expect(three.history()).toEqual(before);
    expect(say('key rotated', since)).toBeLessThan(1000);
    const crashed = Date.now();
    await three.lan.speaker(owner).kill();
    await three.succeeded(owner);
    expect(say('crash after a rotation', crashed)).toBeLessThan(1000);
    // The others start anew: what runs next has the first secret.
    for (const speaker of three.speakers()) await speaker.kill();
  });

  test('an owner whose main thread hangs hands over, and never do two answer', async () => {
    const since = Date.now();
    three.lan.speaker(owner).block(8000);
    await sleep(3500);
    expect(three.asking.answering(3000)).toEqual([three.lan.macs[owner]]);
    const successor = await three.succeeded(owner);
    expect(say('main thread hung', since)).toBeLessThan(1000);
    expect(three.asking.unrest(since)).toBe(0);
    expect(three.lan.speaker(successor).assumptions().at(-1)).toBe('planned');
    const why = { type: 'notOwning', key: address, why: 'handedOver' };
    await expect.poll(() => three.lan.speaker(owner).ownership(), soon).toContainEqual(why);
  });
});
