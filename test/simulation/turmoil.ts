import type { PendingCall } from './connection.ts';
import type { Random, Story } from './random.ts';
import type { Replica } from './replica.ts';
import type { World } from './world.ts';

/** The API server answers something, well or badly. */
export const proceed = (world: World, random: Random, story: Story): void => {
  const ghost = random.anyOf([...world.ghosts]);
  if (ghost !== undefined && random.chance(0.2)) {
    const arrives = random.chance(0.5);
    story.tell(`a call of the dead about ${ghost.name} ${arrives ? 'arrives' : 'is lost'}`);
    world.ghosts.delete(ghost);
    if (arrives) ghost.apply();
    return;
  }
  const replica = random.anyOf(world.replicas);
  if (replica === undefined) return;
  if (replica.isStopped) serveStopped(replica, random, story);
  else serveRunning(replica, world.isLeaseServed, random, story);
};

/** Whatever it sent before it was stopped goes on; what is sent to it waits. */
const serveStopped = ({ name, writes, leaseCalls, stray }: Replica, random: Random, story: Story): void => {
  const call = random.anyOf([...writes, ...leaseCalls, ...stray].filter((one) => !one.isApplied()));
  if (call === undefined) return;
  story.tell(`the call of ${name}, stopped, about ${call.name} arrives`);
  call.apply();
};

const serveRunning = (replica: Replica, isLeaseServed: boolean, random: Random, story: Story): void => {
  const { name, lists, watches, stray } = replica;
  const calls = isLeaseServed ? [...replica.writes] : [...replica.writes, ...replica.leaseCalls];
  const list = random.anyOf([...lists]);
  const watch = random.anyOf([...watches].filter((open) => open.behind() > 0));
  const call = random.anyOf(calls);
  const lost = random.anyOf([...stray]);
  const kind = random.below(10);
  if (list !== undefined && kind < 5) {
    story.tell(`the list of ${list.collection} comes to ${name}`);
    if (random.chance(0.1)) list.fail();
    else list.answer();
  } else if (lost !== undefined && kind < 2) {
    story.tell(`a stray call of ${name} about ${lost.name} arrives`);
    lost.apply();
  } else if (watch !== undefined && (call === undefined || kind < 5)) {
    const count = 1 + random.below(watch.behind());
    story.tell(`${count} events of ${watch.collection} come to ${name}`);
    for (let n = 0; n < count; n++) watch.deliver();
  } else if (call !== undefined) serveCall(call, name, random, story);
};

const serveCall = (call: PendingCall, caller: string, random: Random, story: Story): void => {
  const outcome = random.below(20);
  const isFresh = !call.isApplied();
  story.tell(`the call of ${caller} about ${call.name}: ${isFresh ? 'fresh' : 'applied'}, ${outcome}`);
  if (isFresh && outcome < 1) call.giveUp();
  else if (outcome < 3) call.fail();
  else if (isFresh) call.apply();
  if (isFresh && outcome >= 8) call.answer();
  if (!isFresh && outcome >= 3) call.answer();
};

/** A watch misbehaves. */
export const disturb = (world: World, random: Random, story: Story): void => {
  const replica = random.anyOf(world.replicas.filter(({ isStopped }) => !isStopped));
  const watch = random.anyOf([...(replica?.watches ?? [])]);
  if (replica === undefined || watch === undefined) return;
  const how = random.pick(['repeat', 'closed', 'expired', 'broken'] as const);
  story.tell(`the watch of ${watch.collection} by ${replica.name}: ${how}`);
  if (how === 'repeat') watch.repeat();
  else watch.end(how);
};

/** Every watch breaks, and every list and call under way fails. */
export const breakConnections = (world: World, random: Random, story: Story): void => {
  story.tell('the API server goes away');
  for (const { watches, lists, writes, leaseCalls, isStopped } of world.replicas) {
    if (isStopped) continue;
    for (const watch of watches) watch.end('broken');
    for (const list of lists) list.fail();
    for (const call of [...writes, ...leaseCalls]) {
      if (!call.isApplied() && random.chance(0.3)) call.apply();
      call.fail();
    }
  }
};
