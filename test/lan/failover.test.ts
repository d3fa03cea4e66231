import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OwnershipReport } from '../../src/proto/ownership/machine.ts';
import { millis } from '../../src/lib/time.ts';
import { neighbour, resolve } from './client.ts';
import { Asking, type Lan, makeLan, nameOf } from './members.ts';
import { groupOf, type ResponderProcess } from './responder-process.ts';

const isRoot = process.getuid?.() === 0;
/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 20 };

const address = '198.18.1.7';
const group = groupOf([address], [0, 1, 2].map(nameOf));

/** How a speaker came to own the group, each time. */
const assumptions = (speaker: ResponderProcess): string[] =>
  speaker
    .ownership()
    .filter((report): report is Extract<OwnershipReport, { type: 'owning' }> => report.type === 'owning')
    .map(({ how }) => how);

describe.runIf(isRoot)('three nodes of a cluster', () => {
  let lan: Lan;
  let speakers: ResponderProcess[];
  let asking: Asking;

  beforeAll(async () => {
    lan = await makeLan(3);
    speakers = await Promise.all([0, 1, 2].map((index) => lan.start(index, group)));
    asking = new Asking(lan.client, address);
  });

  afterAll(async () => {
    asking[Symbol.dispose]();
    await lan[Symbol.asyncDispose]();
  });

  /** The only one who answers, once that has been so for a while. */
  const settledOn = async (mac: string): Promise<void> => {
    await expect.poll(() => asking.answering(300), soon).toEqual([mac]);
  };
  const tell = (what: string, since: number): number => {
    const gap = asking.longestGap(since);
    console.log(`${what}: ${gap.toFixed(0)} ms without an answer`);
    return gap;
  };

  test('the first candidate answers, and nobody else', async () => {
    await expect.poll(() => asking.latest(), soon).toBe(lan.macs[0]);
    expect(speakers.map(assumptions)).toEqual([['first'], [], []]);
    expect(new Set(asking.answers.map(({ mac }) => mac)).size).toBe(1);
  });

  test('who is killed is replaced by the first successor, and the client learns it without asking', async () => {
    await resolve(lan.client, address);
    await expect.poll(() => neighbour(lan.client, address), soon).toBe(lan.macs[0]);
    const since = Date.now();
    await speakers[0]!.kill();
    await settledOn(lan.macs[1]!);
    expect(tell('speaker killed', since)).toBeLessThan(1000);
    expect(await neighbour(lan.client, address)).toBe(lan.macs[1]);
    expect(assumptions(speakers[1]!)).toEqual(['crash']);
  });

  test('who returns takes nothing back', async () => {
    speakers[0] = await lan.start(0, group);
    const since = Date.now();
    await sleep(1500);
    await settledOn(lan.macs[1]!);
    expect(asking.answers.filter(({ at }) => at > since).every(({ mac }) => mac === lan.macs[1])).toBe(true);
    expect(assumptions(speakers[0])).toEqual([]);
  });

  test('a node that leaves hands over without a gap', async () => {
    const since = Date.now();
    speakers[1]!.order({ type: 'leave', within: millis(1500) });
    await settledOn(lan.macs[0]!);
    expect(tell('planned leave', since)).toBeLessThan(200);
    expect(assumptions(speakers[0]!)).toEqual(['planned']);
    await expect.poll(() => speakers[1]!.ownership().at(-1), soon).toEqual({ type: 'ended' });
    await speakers[1]!.kill();
    speakers[1] = await lan.start(1, group);
  });
});
