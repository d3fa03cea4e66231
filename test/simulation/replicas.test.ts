/**
 * Two or three controllers that agree by a Lease on who works, through random histories as in `controller.test.ts`. A
 * process is stopped (its clock goes on), killed or ended, the API server stalls or goes away, calls arrive late.
 *
 * One thing is taken for granted: the API server gives a call up when the `timeout` that the call names is over since it
 * was sent.
 */
import { expect, test } from 'vitest';
import { playHistories } from './histories.ts';
import type { Random, Story } from './random.ts';
import type { Replica } from './replica.ts';
import { breakConnections, disturb, proceed } from './turmoil.ts';
import { act, furnish } from './users.ts';
import { createWorld, type World } from './world.ts';

const histories = 400;
const stepsOfHistory = 50;

test(`no address is given twice while replicas honour leases, in ${histories} histories`, async () => {
  const { histories: played, processes, terms, writes, events } = await playHistories(histories, play);
  console.log(
    `${played} histories, ${played * stepsOfHistory} steps, ${processes} processes, ${terms} terms of leaders, ` +
      `${writes} status writes, ${events} events`,
  );
  expect(terms).toBeGreaterThan(played);
}, 600_000);

const play = async (random: Random, story: Story): Promise<World> => {
  const size = random.chance(0.8) ? 2 : 3;
  const reassignOnPoolChange = random.chance(0.2);
  const world = createWorld({ random, story, replicas: size, election: 'lease', reassignOnPoolChange });
  furnish(world.server, random);
  await world.inform();
  for (let step = 1; step <= stepsOfHistory; step++) {
    const kind = random.below(100);
    if (kind < 25) story.tell(act(world.server, random));
    else if (kind < 70) for (let n = 0; n < 3; n++) proceed(world, random, story);
    else if (kind < 84) {
      const delay = random.pick([20, 100, 400, 1000, 3000, 6000]);
      await world.advance(delay);
      story.tell(`${delay} ms have passed`);
    } else if (kind < 86) disturb(world, random, story);
    else if (kind < 88) breakConnections(world, random, story);
    else if (kind < 92) {
      world.isLeaseServed = random.chance(0.6);
      story.tell(`the lease is ${world.isLeaseServed ? '' : 'not '}served`);
    } else if (kind < 96) stopOrContinue(world, random, story);
    else endOne(world, size, random, story);
    await world.settle();
    if (step % 25 === 0) await lookAtRest(world, size, random, story);
  }
  return world;
};

const stopOrContinue = ({ replicas }: World, random: Random, story: Story): void => {
  const replica = random.anyOf(replicas);
  if (replica === undefined) return;
  replica.isStopped = !replica.isStopped;
  story.tell(`${replica.name} is ${replica.isStopped ? 'stopped' : 'continued'}`);
};

/** Kills or ends a replica, or starts one that is missing. */
const endOne = (world: World, size: number, random: Random, story: Story): void => {
  if (staying(world).length < size) {
    story.tell(`${world.launch().name} starts`);
    return;
  }
  const replica = random.anyOf(world.replicas);
  if (replica === undefined) return;
  const isGraceful = !replica.isStopped && random.chance(0.5);
  story.tell(`${replica.name} is ${isGraceful ? 'told to end' : 'killed'}`);
  if (isGraceful) replica.end();
  else world.kill(replica);
};

const staying = ({ replicas }: World): readonly Replica[] => replicas.filter(({ isEnding }) => !isEnding());

const leadersOf = ({ replicas }: World): readonly string[] =>
  replicas.filter((replica) => replica.isLeader()).map(({ name }) => name);

const lookAtRest = async (world: World, size: number, random: Random, story: Story): Promise<void> => {
  while (staying(world).length < size) world.launch();
  await world.rest();
  const leaders = leadersOf(world);
  expect(leaders).toHaveLength(1);
  story.tell(`at rest; ${leaders.join()} leads`);
  const leader = world.replicas.find(({ name }) => name === leaders[0])!;
  const writes = world.writes();
  if (random.chance(0.5)) leader.end();
  else world.kill(leader);
  await world.rest();
  expect(world.writes(), 'writes after another took over at rest').toBe(writes);
  expect(leadersOf(world)).toHaveLength(1);
  world.launch();
  await world.settle();
};
