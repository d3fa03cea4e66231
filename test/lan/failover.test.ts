import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { millis } from '../../src/lib/time.ts';
import { createNamespace, type Namespace, plugIn } from '../support/netns.ts';
import { neighbour, resolve } from './client.ts';
import { Asking, type Lan, makeLan, nameOf } from './members.ts';
import { groupOf } from './responder-process.ts';

const isRoot = process.getuid?.() === 0;
/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 20 };

const address = '198.18.1.7';
const nodes = [0, 1, 2];
const group = groupOf([address], nodes.map(nameOf));

describe.runIf(isRoot)('three nodes of a cluster', () => {
  let lan: Lan;
  let asking: Asking;
  /** Index of the owner when a test begins. */
  let owner: number;

  /** Waits until another node than the owner alone has answered for a while; gives its index. */
  const succeeded = async (): Promise<number> => {
    const others = lan.macs.filter((_, index) => index !== owner).map((mac) => [mac]);
    await expect.poll(() => asking.answering(300), soon).toBeOneOf(others);
    return lan.macs.indexOf(asking.latest()!);
  };
  const tell = (what: string, since: number): number => {
    const gap = asking.longestGap(since);
    console.log(`${what}: ${gap.toFixed(0)} ms without an answer`);
    return gap;
  };

  beforeAll(async () => {
    lan = await makeLan(nodes.length);
    asking = new Asking(lan.client, address);
  });

  afterAll(async () => {
    asking[Symbol.dispose]();
    await lan[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    for (const index of nodes) {
      await lan.plug(`port${index}`, 'br0');
      await lan.switch.setLink(`port${index}`, 'up');
      if (lan.speakers.get(index)?.hasEnded === false) continue;
      await lan.speakers.get(index)?.kill();
      await lan.start(index, group);
    }
    for (const index of nodes) {
      await vi.waitUntil(() => lan.speaker(index).heard().size === nodes.length - 1, soon);
    }
    await vi.waitUntil(() => asking.answering(300).length === 1, soon);
    owner = lan.macs.indexOf(asking.latest()!);
  });

  test('who is killed is replaced, and the client learns it without asking', async () => {
    await resolve(lan.client, address);
    await expect.poll(() => neighbour(lan.client, address), soon).toBe(lan.macs[owner]);
    const since = Date.now();
    await lan.speaker(owner).kill();
    const successor = await succeeded();
    expect(tell('speaker killed', since)).toBeLessThan(1000);
    expect(await neighbour(lan.client, address)).toBe(lan.macs[successor]);
    expect(lan.speaker(successor).assumptions()).toEqual(['crash']);
  });

  test('who returns takes nothing back', async () => {
    await lan.speaker(owner).kill();
    const successor = await succeeded();
    const since = Date.now();
    const returned = await lan.start(owner, group);
    await sleep(1500);
    expect(asking.answers.filter(({ at, mac }) => at > since && mac !== lan.macs[successor])).toEqual([]);
    expect(returned.assumptions()).toEqual([]);
  });

  test('a node that leaves hands over without a gap', async () => {
    const since = Date.now();
    const leaving = lan.speaker(owner);
    leaving.order({ type: 'leave', within: millis(1500) });
    const successor = await succeeded();
    expect(tell('planned leave', since)).toBeLessThan(200);
    expect(lan.speaker(successor).assumptions().at(-1)).toBe('planned');
    await expect.poll(() => leaving.ownership().at(-1), soon).toEqual({ type: 'ended' });
    await leaving.kill();
  });

  test('a node without power is replaced', async () => {
    const since = Date.now();
    await lan.switch.setLink(`port${owner}`, 'down');
    await lan.speaker(owner).kill();
    await succeeded();
    expect(tell('node crashed', since)).toBeLessThan(1000);
  });

  test('a node whose cable is pulled is replaced, and takes nothing back when it is plugged in again', async () => {
    const since = Date.now();
    await lan.switch.setLink(`port${owner}`, 'down');
    const successor = await succeeded();
    expect(tell('cable pulled', since)).toBeLessThan(1000);
    await lan.switch.setLink(`port${owner}`, 'up');
    await sleep(1000);
    expect(asking.latest()).toBe(lan.macs[successor]);
    expect(asking.overlap(since, lan.macs[owner]!, lan.macs[successor]!)).toBe(0);
  });

  test('a speaker that stands still for two seconds is replaced after some patience, and yields', async () => {
    const since = Date.now();
    lan.speaker(owner).child.kill('SIGSTOP');
    await sleep(2000);
    const frozen = lan.speaker(owner);
    frozen.child.kill('SIGCONT');
    const slept = { type: 'notOwning', key: address, why: 'slept' };
    await expect.poll(() => frozen.ownership(), soon).toContainEqual(slept);
    await sleep(500);
    const successor = await succeeded();
    expect(tell('speaker stopped', since)).toBeLessThan(1500);
    expect(asking.overlap(since, lan.macs[owner]!, lan.macs[successor]!)).toBe(0);
  });

  test('each side of a partition serves, and when it heals one owner is left', async () => {
    await using other = await createNamespace('other');
    await plugIn(lan.switch, 'other', other, 'eth0');
    await other.addAddress('eth0', '198.18.0.251/16');
    using askingThere = new Asking(other, address);
    await expect.poll(() => askingThere.latest(), soon).toBe(lan.macs[owner]);
    const moved = [`port${owner}`, 'other'];
    for (const port of moved) await lan.plug(port, 'br1');
    const successor = await succeeded();
    await sleep(1000);
    expect([asking.answering(300), askingThere.answering(300)]).toEqual([[lan.macs[successor]], [lan.macs[owner]]]);
    const since = Date.now();
    for (const port of moved) await lan.plug(port, 'br0');
    await sleep(500);
    const sides = [lan.macs[owner], lan.macs[successor]].map((mac) => [[mac], [mac]]);
    await expect.poll(() => [asking.answering(300), askingThere.answering(300)], soon).toBeOneOf(sides);
    const winner = lan.macs.indexOf(asking.latest()!);
    const loser = winner === owner ? successor : owner;
    const overlap = asking.overlap(since, lan.macs[loser]!, lan.macs[winner]!);
    console.log(`partition healed: two answered for ${overlap.toFixed(0)} ms`);
    expect(overlap).toBeLessThan(500);
  });
});

describe.runIf(isRoot)('a node with two interfaces on one segment', () => {
  test.each([1, 2])('answers by one of them, and by the other when that has no carrier: %i nodes', async (count) => {
    await using lan = await makeLan(count);
    const [node] = lan.nodes as [Namespace];
    await plugIn(lan.switch, 'second', node, 'eth1');
    await node.addAddress('eth1', '198.18.0.101/16');
    const macs = [lan.macs[0]!, await node.macOf('eth1')];
    for (let index = 1; index < count; index++) await lan.start(index);
    await lan.start(0, groupOf([address], [nameOf(0)]));
    using asking = new Asking(lan.client, address);
    await expect.poll(() => asking.latest(), soon).toBeOneOf(macs);
    await expect.poll(() => asking.answering(500), soon).toEqual([macs[0]]);
    const since = Date.now();
    await lan.switch.setLink('port0', 'down');
    await expect.poll(() => asking.answering(300), soon).toEqual([macs[1]]);
    console.log(`cable of one interface: ${asking.longestGap(since).toFixed(0)} ms without an answer`);
    await lan.switch.setLink('port0', 'up');
    await expect.poll(() => asking.answering(500), { ...soon, timeout: 15_000 }).toHaveLength(1);
  });
});

describe.runIf(isRoot)('nodes without IPv4 addresses of their own', () => {
  test.each(['IPv6', 'none'] as const)('replace each other as well: %s', async (addressing) => {
    await using lan = await makeLan(2, addressing);
    const pair = groupOf([address], [0, 1].map(nameOf));
    const [first, second] = await Promise.all([lan.start(0, pair), lan.start(1, pair)]);
    await expect.poll(() => first.heard().size + second.heard().size, soon).toBe(2);
    using asking = new Asking(lan.client, address);
    await expect.poll(() => asking.answering(300).length, soon).toBe(1);
    const owner = lan.macs.indexOf(asking.latest()!);
    const since = Date.now();
    await lan.speaker(owner).kill();
    await expect.poll(() => asking.answering(300), soon).toEqual([lan.macs[1 - owner]]);
    console.log(`addresses ${addressing}: ${asking.longestGap(since).toFixed(0)} ms without an answer`);
    expect(lan.speaker(1 - owner).assumptions()).toEqual(['crash']);
  });
});
