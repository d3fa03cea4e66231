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
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createController } from '../../controller/controller.ts';
import type { Pool } from '../../src/domain/config/configuration.ts';
import { ApiError, ApiUnreachable } from '../../src/k8s/api.ts';
import { soleLeader } from '../../src/k8s/leader-election.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type Log, type LogFields, silentLog } from '../../src/lib/log.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { type ApiServer, type Connection, createApiServer } from './api-server.ts';
import {
  assemblePools,
  expectNoSharedAddress,
  expectReasonToChange,
  expectRest,
  metallbNamespace,
  viewOf,
} from './expectations.ts';
import { newStory, type Random, seededRandom, seedsToPlay, type Story } from './random.ts';
import { act } from './users.ts';

const histories = 120;
const stepsOfHistory = 200;

test(`the invariants hold in ${histories * stepsOfHistory} steps of random histories`, async () => {
  let steps = 0;
  let restarts = 0;
  for (const seed of seedsToPlay(histories)) {
    const story = newStory(seed);
    const random = seededRandom(seed);
    // The jitter of retries.
    const jitter = vi.spyOn(Math, 'random').mockImplementation(random.next);
    try {
      const played = await play(random, story);
      steps += played.steps;
      restarts += played.restarts;
    } catch (error) {
      throw story.failure(error);
    } finally {
      jitter.mockRestore();
    }
  }
  expect(steps).toBeGreaterThanOrEqual(seedsToPlay(histories).length * stepsOfHistory);
  console.log(`simulated ${steps} steps with ${restarts} restarts of the controller`);
});

/** A running controller, and what is needed to move it. */
type Process = Connection & {
  readonly clock: ReturnType<typeof fakeClock>;
  /** Ends it as SIGTERM does. */
  readonly end: () => void;
  /** Throws what went wrong in it that must never. */
  readonly check: () => void;
  /** Each set of pools it has known, with the version of the server at which it learnt of it. */
  readonly known: { readonly since: number; readonly versions: string; readonly pools: readonly Pool[] }[];
};

const launch = (server: ApiServer): Process => {
  const connection = server.connect();
  const clock = fakeClock();
  const ending = new AbortController();
  let fault: unknown;
  const watchErrors = (_: string, { error }: LogFields = {}): void => {
    if (error !== undefined && !(error instanceof ApiError) && !(error instanceof ApiUnreachable)) fault ??= error;
  };
  const log: Log = { ...silentLog, warn: watchErrors, error: watchErrors, child: () => log };
  const counter = { inc: () => {} };
  const gauge = { set: () => {} };
  const histogram = { observe: () => {} };
  const controller = createController(
    {
      api: connection.api,
      leadership: soleLeader,
      clock,
      wallTime: () => clock.now(),
      log,
      events: { record: () => {} },
      metrics: {
        updates: counter,
        updateErrors: counter,
        configLoaded: gauge,
        configStale: gauge,
        reconcileDuration: histogram,
        addressDuration: histogram,
        routes: () => ({}),
      } as never,
      configurationState: { report: () => {}, touch: () => {} },
      legacy: { view: () => undefined, mark: () => {}, synced: Promise.resolve() },
      onWork: () => {},
    },
    { metallbNamespace, lbClass: '', reassignOnPoolChange: false, bgpType: 'native', servesServices: true },
  );
  controller.run(ending.signal).catch((error: unknown) => {
    fault ??= error;
  });
  return {
    ...connection,
    clock,
    end: () => ending.abort(),
    check: () => {
      if (fault !== undefined) throw fault;
    },
    known: [],
  };
};

const play = async (random: Random, story: Story): Promise<{ steps: number; restarts: number }> => {
  let restarts = 0;
  let current: Process | undefined;
  const server = createApiServer((before, after) => {
    if (before.spec?.['type'] === undefined) return; // a pool
    story.tell(`  ${before.metadata.name}: ${JSON.stringify(before.status)} becomes ${JSON.stringify(after.status)}`);
    const known = current?.known ?? [];
    const at = Number(before.metadata.resourceVersion);
    const relevant = known.filter((_, i) => (known[i + 1]?.since ?? Number.POSITIVE_INFINITY) >= at);
    let refusal: unknown = new Error('a write of one who knows no pools');
    for (const { pools } of relevant) {
      try {
        return expectReasonToChange(viewOf(before), viewOf(after), pools);
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  });
  for (const name of ['default', 'team']) server.create('namespaces', { metadata: { name } });
  let process = launch(server);
  current = process;

  /** Lets the process do all it can without being told more, and looks at the outcome. */
  const settle = async (): Promise<void> => {
    await turn();
    await turn();
    process.check();
    process.settled();
    expectNoSharedAddress(server.all('services'));
    const resources = {
      pools: process.seen('ipaddresspools'),
      advertisements: process.seen('l2advertisements'),
      namespaces: process.seen('namespaces'),
    };
    const versions = Object.values(resources).flatMap((raws) => raws.map(({ metadata }) => metadata.resourceVersion));
    if (process.known.at(-1)?.versions === versions.join()) return;
    process.known.push({ since: server.version(), versions: versions.join(), pools: assemblePools(resources) });
  };

  const restart = async (isGraceful: boolean): Promise<void> => {
    restarts++;
    story.tell(isGraceful ? 'the controller ends' : 'the controller is killed');
    if (isGraceful) {
      process.end();
      await settle();
    }
    for (const write of [...process.writes, ...process.stray]) {
      if (!write.isApplied() && random.chance(0.5)) write.apply();
    }
    process = launch(server);
    current = process;
    await settle();
  };

  const bringToRest = async (): Promise<void> => {
    for (let quiet = 0, waited = 0; quiet < 40; waited++, quiet++) {
      if (waited > 1000) throw new Error('the controller does not come to rest');
      const before = server.writes();
      for (let isBusy = true; isBusy;) {
        isBusy = false;
        for (const list of process.lists) list.answer();
        for (const watch of process.watches) while (watch.behind() > 0) watch.deliver();
        for (const write of process.stray) write.apply();
        for (const write of process.writes) {
          if (!write.isApplied()) write.apply();
          write.answer();
        }
        await settle();
        isBusy =
          process.lists.size + process.writes.size > 0 || [...process.watches].some((watch) => watch.behind() > 0);
      }
      process.clock.advance(seconds(1));
      await settle();
      if (server.writes() > before) quiet = 0;
    }
  };

  const lookAtRest = async (): Promise<void> => {
    await bringToRest();
    expectRest(server);
    // Single changes, so that nothing else makes the controller look where it should.
    for (let change = 0; change < 4; change++) {
      story.tell(`at rest; ${act(server, random)}`);
      await bringToRest();
      expectRest(server);
    }
    story.tell('at rest');
    const writes = server.writes();
    for (const watch of process.watches) watch.end('expired');
    await bringToRest();
    expect(server.writes(), 'writes after all was listed again').toBe(writes);
    await restart(false);
    await bringToRest();
    expect(server.writes(), 'writes after a restart at rest').toBe(writes);
  };

  for (let step = 1; step <= stepsOfHistory; step++) {
    const kind = random.below(100);
    if (kind < 30) story.tell(act(server, random));
    else if (kind < 85) proceed(process, random, story);
    else if (kind < 94) process.clock.advance(millis(random.pick([20, 100, 400, 2000, 40_000])));
    else if (kind < 97) disturb(process, random, story);
    else if (kind < 99) await restart(random.chance(0.4));
    await settle();
    if (step % 50 === 0) await lookAtRest();
  }
  return { steps: stepsOfHistory, restarts };
};

/** The API server answers something, well or badly. */
const proceed = (process: Process, random: Random, story: Story): void => {
  const { lists, watches, writes, stray } = process;
  const list = random.anyOf([...lists]);
  const watch = random.anyOf([...watches].filter((open) => open.behind() > 0));
  const write = random.anyOf([...writes]);
  const lost = random.anyOf([...stray]);
  const kind = random.below(10);
  if (list !== undefined && kind < 5) {
    story.tell(`the list of ${list.collection} comes`);
    if (random.chance(0.1)) list.fail();
    else list.answer();
  } else if (lost !== undefined && kind < 2) {
    story.tell(`a stray write of ${lost.name} arrives`);
    lost.apply();
  } else if (watch !== undefined && (write === undefined || kind < 5)) {
    const count = 1 + random.below(watch.behind());
    story.tell(`${count} events of ${watch.collection} come`);
    for (let n = 0; n < count; n++) watch.deliver();
  } else if (write !== undefined) {
    const outcome = random.below(20);
    const isFresh = !write.isApplied();
    if (isFresh && outcome < 1) write.giveUp();
    else if (outcome < 3) write.fail();
    else if (isFresh) write.apply();
    if (isFresh && outcome >= 8) write.answer();
    if (!isFresh && outcome >= 3) write.answer();
    story.tell(`the write of ${write.name}: ${isFresh ? 'fresh' : 'applied'}, ${outcome}`);
  }
};

const disturb = ({ watches }: Process, random: Random, story: Story): void => {
  const watch = random.anyOf([...watches]);
  if (watch === undefined) return;
  const how = random.pick(['repeat', 'closed', 'expired', 'broken'] as const);
  story.tell(`the watch of ${watch.collection}: ${how}`);
  if (how === 'repeat') watch.repeat();
  else watch.end(how);
};
