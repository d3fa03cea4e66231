import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ArpLog } from './arp-log.ts';
import { ask } from './client.ts';
import { type Lan, makeLan, nameOf } from './members.ts';
import { groupOf } from './responder-process.ts';

const nodes = [0, 1, 2];
const addresses = Array.from({ length: 1000 }, (_, index) => `198.18.${8 + (index >> 8)}.${index & 255}`);

/** Each node is the first candidate of a third of the groups. */
const groups = addresses.map((ip, index) => {
  const candidates = nodes.map((node) => nameOf((node + index) % nodes.length));
  return groupOf([ip], candidates);
});

/** By address, the node that answers; throws if several do. */
const owners = async (lan: Lan): Promise<ReadonlyMap<string, number>> => {
  const answers = await ask(lan.client, addresses);
  return new Map(
    Object.entries(answers).map(([ip, macs]) => {
      if (macs.length !== 1) throw new Error(`${ip} is answered by ${macs.join(', ')}`);
      return [ip, lan.macs.indexOf(macs[0]!)];
    }),
  );
};

describe.runIf(process.getuid?.() === 0)('a speaker among a thousand addresses', () => {
  test.each([
    ['after the others have taken over', 2000],
    ['at once', 0],
  ])('that is restarted %s says nothing about what others own', async (_, pause) => {
    await using lan = await makeLan(nodes.length);
    const speakers = await Promise.all(nodes.map((index) => lan.start(index)));
    for (const speaker of speakers) await expect.poll(() => speaker.heard().size, { timeout: 10_000 }).toBe(2);
    for (const speaker of speakers) speaker.order({ type: 'groups', changed: groups, removed: [] });
    await expect.poll(async () => (await owners(lan)).size, { timeout: 15_000 }).toBe(addresses.length);
    const before = await owners(lan);
    const owned = addresses.filter((ip) => before.get(ip) === 0).length;
    expect(owned).toBeGreaterThan(250);
    using log = await ArpLog.on(lan.client);
    await lan.speaker(0).kill();
    await sleep(pause);
    const since = Date.now();
    const restarted = await lan.start(0, ...groups);
    await expect.poll(() => restarted.heard().size, { timeout: 10_000 }).toBe(2);
    await sleep(2000);
    const after = await owners(lan);
    const own = new Set(addresses.filter((ip) => after.get(ip) === 0));
    const wrong = log.of(lan.macs[0]!, since).filter(({ ip }) => addresses.includes(ip) && !own.has(ip));
    console.log(`owned ${owned} of 1,000 before, ${own.size} after the restart; ${wrong.length} frames about others'`);
    expect([after.size, wrong]).toEqual([addresses.length, []]);
  });
});
