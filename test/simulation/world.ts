import { setImmediate as turn } from 'node:timers/promises';
import type { EventText } from '../../src/k8s/events/events.ts';
import { millis } from '../../src/lib/time.ts';
import { type ApiServer, createApiServer, type RawObject } from './api-server.ts';
import type { PendingCall } from './connection.ts';
import { expectRest } from './expectations.ts';
import { configuring, metallbNamespace, viewOf } from './model.ts';
import type { Random, Story } from './random.ts';
import { type Election, launchReplica, type Replica } from './replica.ts';
import { type DoubleUse, doubleUses, expectReasonToChange, watchShowings } from './write-rules.ts';

export type WorldOptions = {
  readonly random: Random;
  readonly story: Story;
  readonly replicas: number;
  readonly election: Election;
  readonly reassignOnPoolChange: boolean;
};

/** An event that a replica has recorded for a service. */
export type ToldEvent = { readonly service: string; readonly event: EventText };

/** One cluster with its controllers, in which nothing moves unless it is told to. */
export type World = {
  readonly server: ApiServer;
  /** Those that have not been killed and have not ended. */
  readonly replicas: readonly Replica[];
  readonly launch: () => Replica;
  readonly kill: (replica: Replica) => void;
  /** Calls of processes that were killed, still on their way. */
  readonly ghosts: Set<PendingCall>;
  /** Whether calls for the Lease are answered at once. */
  isLeaseServed: boolean;
  /** Lets the processes do all they can without being told more, and looks at the outcome. */
  readonly settle: () => Promise<void>;
  readonly advance: (delay: number) => Promise<void>;
  /** Lets all see the newest state; writes wait. */
  readonly inform: () => Promise<void>;
  /** Serves all writes, and those which come of them, until there are none; nobody learns more than his answers say. */
  readonly serveWrites: () => Promise<void>;
  /** Gives all answers until there is nothing to do any more, and throws unless everything is as it must be. */
  readonly rest: () => Promise<void>;
  /** Status writes so far, whatever came of them. */
  readonly writes: () => number;
  /** Events about services so far. */
  readonly told: ToldEvent[];
  /** Addresses that were given twice so far; without a forced second leader that throws. */
  readonly doubleUses: DoubleUse[];
  readonly launches: () => number;
  readonly terms: () => number;
};

/** Longer than anything waits for another attempt. */
const quietTime = 36_000;
/** A leader must be answered in between. */
const leaseStep = 1000;

export const createWorld = (options: WorldOptions): World => {
  const { random, story, election, reassignOnPoolChange } = options;
  const living = new Map<string, Replica>();
  const ghosts = new Set<PendingCall>();
  const told: ToldEvent[] = [];
  const found: DoubleUse[] = [];
  const showings = watchShowings();
  let now = 0;
  let launches = 0;
  let writesOfOthers = 0;
  let termsOfOthers = 0;
  /** Also of the dead, whose writes may still be on their way. */
  const known = new Map<string, Replica['known']>();

  /** Who took the lease last. */
  let holder: unknown;
  const noteHolder = ({ spec = {} }: RawObject): void => {
    const { holderIdentity } = spec;
    if (holderIdentity !== holder) story.tell(`  the lease is "${String(holderIdentity)}"`);
    if (holderIdentity !== '') holder = holderIdentity;
  };

  const server = createApiServer({
    onStatus: (before, after, writer) => {
      if (election === 'lease' && writer !== holder)
        throw new Error(`${writer} writes ${before.metadata.name}, but ${String(holder)} took the lease`);
      if (before.spec?.['type'] === undefined) return; // a pool
      const { name } = before.metadata;
      story.tell(`  ${writer}, ${name}: ${JSON.stringify(before.status)} becomes ${JSON.stringify(after.status)}`);
      const doubled = doubleUses(viewOf(before), viewOf(after), showings);
      found.push(...doubled);
      if (election === 'none' && options.replicas > 1) return;
      for (const { ip, services } of doubled) {
        throw new Error(`${services.map((view) => view.name).join(' and ')} both show ${ip}`);
      }
      expectReasonToChange(before, after, known.get(writer) ?? [], showings, reassignOnPoolChange);
    },
    onStored: (collection, event) => {
      if (collection === 'services') showings.note(event);
      if (collection === 'leases') noteHolder(event.raw);
    },
  });

  const launch = (): Replica => {
    const name = `c${launches++}`;
    const replica = launchReplica({
      server,
      name,
      election,
      reassignOnPoolChange,
      now: () => now,
      random: random.next,
      onEvent: ({ kind, name: service }, event) => {
        if (kind !== 'Service') return;
        story.tell(`  ${name}, ${service}: ${event.reason} ${event.message}`);
        told.push({ service, event });
      },
    });
    living.set(name, replica);
    known.set(name, replica.known);
    return replica;
  };

  const forget = (replica: Replica): void => {
    living.delete(replica.name);
    writesOfOthers += replica.sent();
    termsOfOthers += replica.terms();
  };

  const kill = (replica: Replica): void => {
    for (const call of [...replica.writes, ...replica.leaseCalls, ...replica.stray]) {
      if (!call.isApplied()) ghosts.add(call);
    }
    forget(replica);
  };

  /** Answers what is asked about the Lease; whether there was anything. */
  const serveLease = (): boolean => {
    let isBusy = false;
    for (const replica of living.values()) {
      if (replica.isStopped) continue;
      for (const call of replica.leaseCalls) {
        isBusy = true;
        if (!call.isApplied()) call.apply();
        call.answer();
      }
      for (const list of replica.lists) {
        if (list.collection !== 'leases') continue;
        isBusy = true;
        list.answer();
      }
      for (const watch of replica.watches) {
        for (; watch.collection === 'leases' && watch.behind() > 0; watch.deliver()) isBusy = true;
      }
    }
    return isBusy;
  };

  const settle = async (): Promise<void> => {
    do {
      await turn();
      for (const replica of living.values()) {
        if (!replica.isStopped) replica.check();
        if (replica.hasEnded()) kill(replica);
      }
    } while (world.isLeaseServed && serveLease());
  };

  const advance = async (delay: number): Promise<void> => {
    const step = election === 'lease' ? leaseStep : delay;
    for (let left = delay; left > 0; left -= step) {
      const passing = millis(Math.min(step, left));
      now += passing;
      for (const replica of living.values()) {
        if (replica.isStopped) replica.clock.standStill(passing);
        else replica.clock.advance(passing);
      }
      await settle();
    }
  };

  const writes = (): number => [...living.values()].reduce((sum, { sent }) => sum + sent(), writesOfOthers);

  /** Gives every list and every event that is due; whether there was anything. */
  const tellAll = async (): Promise<boolean> => {
    let isBusy = false;
    for (const { lists, watches } of living.values()) {
      isBusy ||= lists.size > 0;
      for (const list of lists) list.answer();
      for (const watch of watches) for (; watch.behind() > 0; watch.deliver()) isBusy = true;
    }
    await settle();
    return isBusy;
  };

  /** Serves and answers every call under way; whether there was any. */
  const answerAll = async (): Promise<boolean> => {
    let isBusy = ghosts.size > 0;
    for (const ghost of ghosts) ghost.apply();
    ghosts.clear();
    for (const { writes: calls, stray } of living.values()) {
      isBusy ||= calls.size + stray.size > 0;
      for (const call of stray) call.apply();
      for (const call of calls) {
        if (!call.isApplied()) call.apply();
        call.answer();
      }
    }
    await settle();
    return isBusy;
  };

  /** Whether all have a watch of what addresses depend on. */
  const isWatched = (): boolean =>
    [...living.values()].every(({ watches }) =>
      ['services', ...configuring].every((wanted) => [...watches].some(({ collection }) => collection === wanted)),
    );

  const inform = async (): Promise<void> => {
    for (let rounds = 0; (await tellAll()) || !isWatched(); rounds++) {
      if (rounds > 1000) throw new Error('somebody does not watch');
      if (!isWatched()) await advance(1000);
    }
  };

  const rest = async (): Promise<void> => {
    world.isLeaseServed = true;
    for (const replica of living.values()) replica.isStopped = false;
    let quiet = 0;
    for (let rounds = 0; quiet < quietTime; rounds++) {
      if (rounds > 3000) throw new Error('the controller does not come to rest');
      const before = writes();
      while ((await tellAll()) || (await answerAll()));
      if (writes() > before) quiet = 0;
      const step = Math.min(500 + 2 * quiet, election === 'lease' ? 5000 : 15_000);
      await advance(step);
      quiet = writes() > before ? 0 : quiet + step;
    }
    expectRest(server, reassignOnPoolChange);
  };

  const world: World = {
    server,
    get replicas() {
      return [...living.values()];
    },
    launch,
    kill,
    ghosts,
    isLeaseServed: true,
    settle,
    advance,
    inform,
    serveWrites: async () => {
      while (await answerAll());
    },
    rest,
    writes,
    told,
    doubleUses: found,
    launches: () => launches,
    terms: () => [...living.values()].reduce((sum, { terms }) => sum + terms(), termsOfOthers),
  };
  for (const name of ['default', 'team', metallbNamespace]) server.create('namespaces', { metadata: { name } });
  for (let count = 0; count < options.replicas; count++) launch();
  return world;
};
