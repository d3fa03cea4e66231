import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Namespace, plugIn } from '../support/netns.ts';
import { ArpLog } from './arp-log.ts';
import { Asking, type Lan, makeLan, nameOf } from './members.ts';
import { groupOf } from './responder-process.ts';
import { soon, ThreeNodes } from './three-nodes.ts';

const address = '198.18.1.7';
const candidates = [0, 1].map(nameOf);
const group = groupOf([address], candidates);

describe.runIf(process.getuid?.() === 0)('the interfaces of a node', () => {
  let lan: Lan;
  let node: Namespace;
  let other: Namespace;
  let asking: Asking;

  beforeEach(async () => {
    lan = await makeLan(2);
    [node, other] = lan.nodes as [Namespace, Namespace];
    asking = new Asking(lan.client, address);
  });

  afterEach(async () => {
    asking[Symbol.dispose]();
    await lan[Symbol.asyncDispose]();
  });

  /** Starts both speakers, the first of which owns the group unless told. */
  const start = async (...names: readonly string[]): Promise<void> => {
    const both = [await lan.start(0), await lan.start(1)];
    for (const speaker of both) await expect.poll(() => speaker.heard().size, soon).toBe(1);
    const order = groupOf([address], candidates, names.length === 0 ? undefined : names);
    for (const speaker of both) speaker.order({ type: 'groups', changed: [order], removed: [] });
    await expect.poll(() => asking.answering(300).length, soon).toBe(1);
  };

  test('a macvlan: one of its MACs answers, and it is replaced like any other', async () => {
    for (const host of lan.nodes)
      await host.ip('link add name lan0 link eth0 type macvlan mode bridge', 'link set lan0 up');
    await start('lan0');
    const mac = await node.macOf('lan0');
    expect(asking.latest()).toBe(mac);
    await sleep(3000);
    const since = Date.now();
    await lan.speaker(0).kill();
    await expect.poll(() => asking.answering(300), soon).toEqual([await other.macOf('lan0')]);
    console.log(`macvlan: ${asking.longestGap(since).toFixed(0)} ms without an answer`);
    expect(asking.longestGap(since)).toBeLessThan(1000);
    expect(asking.unrest(since)).toBe(0);
  });

  test('a macvlan beside its own interface: one MAC answers', async () => {
    await node.ip('link add name lan0 link eth0 type macvlan mode bridge', 'link set lan0 up');
    await start();
    await sleep(2000);
    expect(asking.answering(1000)).toHaveLength(1);
  });

  test('a bridge: it answers, and not its port', async () => {
    for (const [index, host] of lan.nodes.entries()) {
      await host.ip(
        'link add name br-ex type bridge forward_delay 0',
        'addr flush dev eth0',
        'link set dev eth0 master br-ex',
        'link set dev br-ex up',
        `addr add 198.18.0.${index + 1}/16 dev br-ex`,
      );
    }
    await start();
    expect(lan.speaker(0).interfaces()).toEqual(['br-ex']);
    expect(asking.latest()).toBe(await node.macOf('br-ex'));
    const since = Date.now();
    await lan.switch.setLink('port0', 'down');
    await expect.poll(() => asking.answering(300), soon).toEqual([await other.macOf('br-ex')]);
    console.log(`cable of a bridge: ${asking.longestGap(since).toFixed(0)} ms without an answer`);
  });

  test('an interface whose MAC changes announces its addresses at once, and keeps them', async () => {
    await start();
    using log = await ArpLog.on(lan.client);
    const mac = '02:00:00:00:00:77';
    const since = Date.now();
    await node.ip(`link set dev eth0 address ${mac}`);
    await expect.poll(() => asking.answering(300), soon).toEqual([mac]);
    const told = log.of(mac).find(({ ip }) => ip === address)!;
    console.log(`MAC changed: announced ${(told.at - since).toFixed(0)} ms after the command`);
    expect(told.at - since).toBeLessThan(1000);
    await sleep(1000);
    expect(asking.answering(1000)).toEqual([mac]);
    expect(lan.speaker(1).assumptions()).toEqual([]);
  });

  test('an interface that is made anew under its name is served at once', async () => {
    await lan.start(0, groupOf([address], [nameOf(0)]));
    await expect.poll(() => asking.answering(300).length, soon).toBe(1);
    await node.ip('link del dev eth0');
    await sleep(500);
    await plugIn(lan.switch, 'port0', node, 'eth0');
    const since = Date.now();
    await node.addAddress('eth0', '198.18.0.1/16');
    const mac = await node.macOf('eth0');
    await expect.poll(() => asking.answering(300), soon).toEqual([mac]);
    const first = asking.answers.find((answer) => answer.mac === mac)!;
    console.log(`interface made anew: answered after ${(first.at - since).toFixed(0)} ms`);
    expect(first.at - since).toBeLessThan(2000);
  });

  test('a node whose interface is made anew is replaced, and takes part again', async () => {
    await start();
    const since = Date.now();
    await node.ip('link del dev eth0');
    await expect.poll(() => asking.answering(300), soon).toEqual([lan.macs[1]]);
    console.log(`interface removed: ${asking.longestGap(since).toFixed(0)} ms without an answer`);
    expect(asking.longestGap(since)).toBeLessThan(1000);
    await plugIn(lan.switch, 'port0', node, 'eth0');
    await node.addAddress('eth0', '198.18.0.1/16');
    await expect.poll(() => lan.speaker(1).heard().size, soon).toBe(1);
    await sleep(500);
    expect(asking.answering(500)).toEqual([lan.macs[1]]);
    const crashed = Date.now();
    await lan.speaker(1).kill();
    await expect.poll(() => asking.answering(300), soon).toEqual([await node.macOf('eth0')]);
    expect(asking.longestGap(crashed)).toBeLessThan(1000);
  });

  test('a node whose interface appears later takes part from then on', async () => {
    await node.ip('link del dev eth0');
    await plugIn(lan.switch, 'aside', node, 'eth1');
    await lan.plug('aside', 'br1');
    await lan.start(0, group);
    await lan.start(1, group);
    await expect.poll(() => asking.answering(300), soon).toContain(lan.macs[1]);
    await plugIn(lan.switch, 'port0', node, 'eth0');
    await node.addAddress('eth0', '198.18.0.1/16');
    await expect.poll(() => [lan.speaker(0).heard().size, lan.speaker(1).heard().size], soon).toEqual([1, 1]);
    await expect.poll(() => asking.answering(500), soon).toEqual([lan.macs[1]]);
    const since = Date.now();
    await lan.speaker(1).kill();
    await expect.poll(() => asking.answering(300), soon).toEqual([await node.macOf('eth0')]);
    console.log(`taken over by the interface that came later: ${asking.longestGap(since).toFixed(0)} ms`);
    expect(asking.longestGap(since)).toBeLessThan(1000);
  });
});

describe.runIf(process.getuid?.() === 0)('three nodes that have a macvlan each', () => {
  test('keep the peace, and a crash is handled as ever', async () => {
    await using three = await ThreeNodes.make();
    for (const host of three.lan.nodes)
      await host.ip('link add name lan0 link eth0 type macvlan mode bridge', 'link set lan0 up');
    const owner = await three.settle();
    const since = Date.now();
    await sleep(5000);
    expect(three.asking.answering(Date.now() - since)).toEqual([three.lan.macs[owner]]);
    expect(three.speakers().flatMap((speaker) => speaker.assumptions())).toEqual(['first']);
    const crashed = Date.now();
    await three.lan.speaker(owner).kill();
    await three.succeeded(owner);
    expect(three.asking.longestGap(crashed)).toBeLessThan(1000);
  });
});
