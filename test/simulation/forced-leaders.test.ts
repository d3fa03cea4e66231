/**
 * Two controllers that both take themselves for the only one, which no Lease allows: an address can then be given twice.
 * It is found when both have seen it: the older service keeps the address, the younger gets another, both are told.
 */
import { expect, test } from 'vitest';
import { expectConverging } from './convergence.ts';
import { playHistories } from './histories.ts';
import type { Random, Story } from './random.ts';
import { breakConnections, disturb, proceed } from './turmoil.ts';
import { createMany } from './service-users.ts';
import { actGently, furnish } from './users.ts';
import { createWorld, type World } from './world.ts';

const histories = 1600;
const stepsOfHistory = 20;

test(`two leaders that are forced upon a cluster undo what they gave twice, in ${histories} histories`, async () => {
  let undone = 0;
  const totals = await playHistories(histories, async (random, story) => {
    const played = await play(random, story);
    undone += played.undone;
    return played.world;
  });
  const { histories: played, processes, writes, events, doubleUses } = totals;
  console.log(
    `${played} histories, ${played * stepsOfHistory} steps, ${processes} processes, ${writes} status writes, ` +
      `${events} events, ${doubleUses} addresses given twice, ${undone} of them undone in a pass`,
  );
  // One seed alone may have none.
  expect(doubleUses).toBeGreaterThanOrEqual(Math.floor(played / 10));
}, 600_000);

const play = async (random: Random, story: Story): Promise<{ readonly world: World; readonly undone: number }> => {
  const reassignOnPoolChange = random.chance(0.2);
  const world = createWorld({ random, story, replicas: 2, election: 'none', reassignOnPoolChange });
  furnish(world.server, random);
  await world.rest();
  let undone = 0;
  let since = 0;
  let launches = world.launches();
  for (let step = 1; step <= stepsOfHistory; step++) {
    const kind = random.below(100);
    if (kind < 30) story.tell(actGently(world.server, random));
    else if (kind < 80) for (let n = 0; n < 3; n++) proceed(world, random, story);
    else if (kind < 86) await world.advance(random.pick([20, 100, 400, 2000, 40_000]));
    else if (kind < 96) disturb(world, random, story);
    else if (kind < 97) breakConnections(world, random, story);
    else if (kind < 99) {
      world.kill(random.pick(world.replicas as [never, never]));
      story.tell(`a controller is killed; ${world.launch().name} starts`);
    }
    await world.settle();
    if (step % 20 > 0) continue;
    if (random.chance(0.7)) await surprise(world, random, story);
    // Who is killed tells nothing more.
    const isEventLost = world.launches() > launches;
    undone += await expectConverging(world, story, since, { reassignOnPoolChange, isEventLost });
    since = world.told.length;
    launches = world.launches();
  }
  return { world, undone };
};

/**
 * Services come at once, and the leaders learn of them in different orders: one by a watch in that of their coming, the
 * other by a list in that of their names. Some of what either writes succeeds.
 */
const surprise = async (world: World, random: Random, story: Story): Promise<void> => {
  const [lister] = world.replicas;
  for (const watch of lister?.watches ?? []) if (watch.collection === 'services') watch.end('expired');
  story.tell(createMany(world.server, random));
  await world.advance(20_000);
  await world.inform();
  story.tell('the leaders know of all services');
  const calls = world.replicas.flatMap(({ writes }) => [...writes]);
  for (let count = 0; count < calls.length; count++) random.anyOf(calls.filter((call) => !call.isApplied()))?.apply();
};
