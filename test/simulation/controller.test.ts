/**
 * The whole controller against an API server in memory, through random histories: users edit services and pools,
 * watches lag, repeat themselves, break or must list again, writes conflict, fail or lose their answer, and the
 * controller is killed or restarted at any moment. No I/O; each process has a clock that moves when it is told to.
 *
 * A failure names its seed: `SIMULATION_SEED=17 npm run test:simulation` plays that history alone, and
 * `SIMULATION_HISTORIES=5000` looks at more than the usual ones. `SIMULATION_LINES=1000` shows a whole history.
 *
 * One thing is taken for granted: a write of a dead process reaches the API server before its successor has listed.
 */
import { expect, test } from 'vitest';
import { playHistories } from './histories.ts';
import type { Random, Story } from './random.ts';
import type { Replica } from './replica.ts';
import { breakConnections, disturb, proceed } from './turmoil.ts';
import { act, furnish } from './users.ts';
import { createWorld, type World } from './world.ts';

/** Most histories are short; of long ones there are fewer. */
const lengths = [
  { histories: 8000, steps: 12, restEvery: 12 },
  { histories: 30, steps: 200, restEvery: 50 },
];

test.each(lengths)(
  'one controller keeps its promises through $histories histories of $steps steps',
  async ({ histories, steps, restEvery }) => {
    const totals = await playHistories(histories, async (random, story) => play(random, story, steps, restEvery));
    const { histories: played, processes, writes, events } = totals;
    console.log(
      `${played} histories, ${played * steps} steps, ${processes - played} restarts, ` +
        `${writes} status writes, ${events} events`,
    );
    expect(writes).toBeGreaterThan(played);
  },
  600_000,
);

const play = async (random: Random, story: Story, steps: number, restEvery: number): Promise<World> => {
  const reassignOnPoolChange = random.chance(0.2);
  const world = createWorld({ random, story, replicas: 1, election: 'none', reassignOnPoolChange });
  furnish(world.server, random);
  if (random.chance(0.8)) await world.inform();
  let told = 0;
  /** Since the last rest. */
  let changes = 1;
  for (let step = 1; step <= steps; step++) {
    const kind = random.below(100);
    if (kind < 30 || kind >= 97) changes++;
    if (kind < 30) story.tell(act(world.server, random));
    else if (kind < 85) proceed(world, random, story);
    else if (kind < 94) await world.advance(random.pick([20, 100, 400, 2000, 40_000]));
    else if (kind < 96) disturb(world, random, story);
    else if (kind < 97) breakConnections(world, random, story);
    else if (kind < 99) await restart(world, random, story);
    await world.settle();
    if (step % restEvery > 0) continue;
    await world.rest();
    expectFewEvents(world, told, changes);
    await lookAtRest(world, random, story);
    told = world.told.length;
    changes = 0;
  }
  return world;
};

const restart = async (world: World, random: Random, story: Story): Promise<void> => {
  const [replica] = world.replicas as [Replica];
  const isGraceful = random.chance(0.4);
  story.tell(isGraceful ? 'the controller ends' : 'the controller is killed');
  if (isGraceful) {
    replica.end();
    await world.settle();
  }
  if (!replica.hasEnded()) world.kill(replica);
  for (const ghost of world.ghosts) if (random.chance(0.5)) ghost.apply();
  world.ghosts.clear();
  world.launch();
};

/** All is at rest, and is to stay so. */
const lookAtRest = async (world: World, random: Random, story: Story): Promise<void> => {
  // Single changes, so that nothing else makes the controller look where it should.
  while (random.chance(0.3)) {
    const told = world.told.length;
    story.tell(`at rest; ${act(world.server, random)}`);
    await world.rest();
    expectFewEvents(world, told, 1);
  }
  story.tell('at rest');
  const writes = world.writes();
  const told = world.told.length;
  if (random.chance(0.1)) {
    for (const { watches } of world.replicas) for (const watch of watches) watch.end('expired');
    await world.rest();
    expect(world.writes(), 'writes after all was listed again').toBe(writes);
    expect(world.told.slice(told), 'events after all was listed again').toEqual([]);
  }
  if (random.chance(0.3)) {
    await restart(world, random, story);
    await world.rest();
    expect(world.writes(), 'writes after a restart at rest').toBe(writes);
  }
};

/** No storm: what changes bring about is told to each service in few words. */
const expectFewEvents = ({ told }: World, since: number, changes: number): void => {
  const counts = new Map<string, number>();
  for (const { service } of told.slice(since)) counts.set(service, (counts.get(service) ?? 0) + 1);
  for (const [service, count] of counts) {
    expect(count, `events of ${service} after ${changes} changes`).toBeLessThan(5 * changes + 1);
  }
};
