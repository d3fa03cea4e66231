/**
 * Owners that fail in every way that can be simulated, and how long clients miss them. A failure names its seed:
 * `SIMULATION_SEED=17 npm run test:simulation` plays that one alone; `SIMULATION_HISTORIES=100` plays more of them.
 */
import { afterAll, expect, test, vi } from 'vitest';
import type { Ip } from '../../../src/lib/ip.ts';
import { seedsToPlay } from '../random.ts';
import { collectFigures, percentile } from './figures.ts';
import { play, type Rig } from './rig.ts';

// A search by `SIMULATION_HISTORIES` takes its time.
vi.setConfig({ testTimeout: 3_600_000 });

const shown = collectFigures();
afterAll(shown.print);

/** What a fault has led to: for each address of the failed owner. */
type Outcome = {
  readonly outages: number[];
  readonly none: number[];
  readonly double: number[];
  readonly detections: number[];
};

const newOutcome = (): Outcome => ({ outages: [], none: [], double: [], detections: [] });

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const note = (rig: Rig, node: string, ips: readonly Ip[], since: number, outcome: Outcome): void => {
  const lengths = (
    intervals: readonly { readonly ip: Ip; readonly from: number; readonly to: number }[],
    ip: Ip,
  ): number => sum(intervals.filter((one) => one.ip === ip).map(({ from, to }) => to - from));
  const intervals = rig.witness.intervals(since);
  const losses = rig.witness.losses(since);
  for (const ip of ips) {
    outcome.outages.push(lengths(losses, ip));
    outcome.none.push(
      lengths(
        intervals.filter(({ nodes }) => nodes.length === 0),
        ip,
      ),
    );
    outcome.double.push(
      lengths(
        intervals.filter(({ nodes }) => nodes.length > 1),
        ip,
      ),
    );
  }
  const verdict = rig.told.find(
    ({ at, report }) => at >= since && report.type === 'suspicion' && report.node === node && report.outcome === 'dead',
  );
  if (verdict !== undefined) outcome.detections.push(verdict.at - since);
};

/** Waits for any phase of the beacons. */
const pass = (rig: Rig): void => rig.time.advance(rig.random.next() * 1000);

type Fault = {
  readonly name: string;
  /** Which of the two is limited: what a client that knows the MAC misses, or the time in which nobody answers. */
  readonly limited: 'outages' | 'none';
  readonly fail: (rig: Rig, node: string) => void;
  readonly mend: (rig: Rig, node: string) => void;
};

const powerLoss: Fault = {
  name: 'node loses power',
  limited: 'outages',
  fail: (rig, node) => rig.powerOff(node),
  mend: (rig, node) => rig.powerOn(node),
};

const speakerKill: Fault = {
  name: 'speaker killed',
  limited: 'none',
  fail: (rig, node) => rig.killSpeaker(node),
  mend: (rig, node) => rig.start(node),
};

const carrierLoss: Fault = {
  name: 'carrier lost, 1 NIC',
  limited: 'outages',
  fail: (rig, node) => {
    rig.port(node).hasCarrier = false;
    rig.changed();
  },
  mend: (rig, node) => {
    rig.port(node).hasCarrier = true;
    rig.changed();
  },
};

test.each([
  { fault: powerLoss, size: 3, addresses: 10, clusters: 8, rounds: 5, p50: 250, p99: 450 },
  { fault: powerLoss, size: 10, addresses: 20, clusters: 3, rounds: 6, p50: 250, p99: 450 },
  { fault: powerLoss, size: 20, addresses: 20, clusters: 1, rounds: 6, p50: 250, p99: 450 },
  { fault: powerLoss, size: 100, addresses: 100, clusters: 1, rounds: 5, p50: 500, p99: 800 },
  { fault: speakerKill, size: 3, addresses: 10, clusters: 6, rounds: 5, p50: 200, p99: 450 },
  { fault: speakerKill, size: 10, addresses: 20, clusters: 2, rounds: 6, p50: 200, p99: 450 },
  { fault: carrierLoss, size: 3, addresses: 10, clusters: 6, rounds: 5, p50: 250, p99: 450 },
])(
  '$fault.name, $size nodes: taken over in $p50 ms (p50) and $p99 ms (p99)',
  ({ fault, size, addresses, clusters, rounds, p50, p99 }) => {
    const outcome = newOutcome();
    let lasted = 0;
    let sent = 0;
    let falseTakeovers = 0;
    const seeds = seedsToPlay(clusters).slice(0, size < 100 ? undefined : 4);
    for (const seed of seeds) {
      play(seed, { size, addresses, warmUp: size < 100 ? 5000 : 2500 }, (rig) => {
        sent += rig.restSent(1000);
        for (let round = 0; round < rounds; round++) {
          pass(rig);
          const victim = rig.anyOwner();
          const ips = rig.ownedBy(victim);
          const since = rig.time.now();
          fault.fail(rig, victim);
          rig.time.advance(size < 100 ? 1500 : 700);
          note(rig, victim, ips, since, outcome);
          rig.expectRest();
          // A hundred nodes take their time to simulate: there the failed ones stay away.
          if (size < 100) {
            fault.mend(rig, victim);
            rig.time.advance(2500);
            rig.expectRest();
          }
          expect(rig.longest('two', since), 'two answering').toBeLessThanOrEqual(0);
        }
        lasted += rig.time.now();
        falseTakeovers += rig.falseTakeovers.length;
        expect(rig.falseTakeovers).toEqual([]);
      });
    }
    shown.add({
      scenario: fault.name,
      nodes: size,
      ...outcome,
      falseTakeovers,
      lasted,
      sent,
      sentIn: seeds.length * 1000,
    });
    expect(percentile(outcome[fault.limited], 0.5)).toBeLessThanOrEqual(p50);
    expect(percentile(outcome[fault.limited], 0.99)).toBeLessThanOrEqual(p99);
    if (fault === speakerKill) expect(Math.max(...outcome.outages), 'a client that knows the MAC').toBe(0);
  },
);

test.each([{ size: 3 }, { size: 10 }])(
  'owner and first successor lose power at once, $size nodes: the second successor owns within 0.8 s',
  ({ size }) => {
    const outcome = newOutcome();
    for (const seed of seedsToPlay(size === 3 ? 12 : 4)) {
      play(seed, { size, addresses: 10 }, (rig) => {
        pass(rig);
        const key = rig.random.anyOf(rig.keys)!;
        const owner = rig.owner(key);
        const [, first, second] = rig.node(owner).main!.candidates(key);
        const since = rig.time.now();
        rig.powerOff(owner);
        rig.powerOff(first!);
        rig.time.advance(2000);
        note(rig, owner, [key], since, outcome);
        rig.expectRest();
        expect(rig.owner(key)).toBe(second);
        expect(rig.falseTakeovers).toEqual([]);
      });
    }
    shown.add({ scenario: 'owner and first successor', nodes: size, ...outcome });
    expect(Math.max(...outcome.outages)).toBeLessThanOrEqual(800);
  },
);

test.each([{ size: 3 }, { size: 10 }])(
  'a speaker is stopped for 2 s, $size nodes: taken over within 0.8 s, and the thawed one yields unheard',
  ({ size }) => {
    const outcome = newOutcome();
    for (const seed of seedsToPlay(8)) {
      play(seed, { size, addresses: 10 }, (rig) => {
        pass(rig);
        const victim = rig.anyOwner();
        const ips = rig.ownedBy(victim);
        const since = rig.time.now();
        rig.stop(victim);
        rig.time.advance(2000);
        rig.expectOneAnswer();
        rig.proceed(victim);
        rig.time.advance(3000);
        note(rig, victim, ips, since, outcome);
        rig.expectRest();
        expect(rig.ownedBy(victim)).toEqual([]);
      });
    }
    shown.add({ scenario: 'speaker stopped for 2 s', nodes: size, ...outcome });
    expect(Math.max(...outcome.none)).toBeLessThanOrEqual(800);
    expect(Math.max(...outcome.outages), 'a client that knows the MAC').toBe(0);
    expect(Math.max(...outcome.double)).toBe(0);
  },
);

test.each([
  { isSeenByClock: true, text: 'and sees it' },
  { isSeenByClock: false, text: 'and its clock knows of nothing' },
])('a VM is paused for a minute $text: one owner within one interval + 150 ms of waking', ({ isSeenByClock }) => {
  const outcome = newOutcome();
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      pass(rig);
      const victim = rig.anyOwner();
      const ips = rig.ownedBy(victim);
      const since = rig.time.now();
      rig.pause(victim);
      rig.time.advance(60_000);
      note(rig, victim, ips, since, outcome);
      rig.expectOneAnswer();
      const woken = rig.time.now();
      rig.unpause(victim, isSeenByClock);
      rig.time.advance(5000);
      rig.expectRest();
      expect(rig.longest('two', woken)).toBeLessThanOrEqual(50 + 150);
      expect(rig.longest('none', woken)).toBe(0);
      expect(rig.ownedBy(victim)).toEqual([]);
    });
  }
  shown.add({
    scenario: `VM paused, ${isSeenByClock ? 'seen' : 'unseen'}`,
    nodes: 3,
    ...outcome,
  });
  expect(percentile(outcome.outages, 0.5)).toBeLessThanOrEqual(250);
  expect(percentile(outcome.outages, 0.99)).toBeLessThanOrEqual(450);
});

test.each([{ size: 3 }, { size: 10 }])(
  'an owner can receive but not send, $size nodes: it gives up, and a successor owns within 0.8 s',
  ({ size }) => {
    const outcome = newOutcome();
    for (const seed of seedsToPlay(8)) {
      play(seed, { size, addresses: 10 }, (rig) => {
        pass(rig);
        const victim = rig.anyOwner();
        const ips = rig.ownedBy(victim);
        const since = rig.time.now();
        rig.port(victim).isMute = true;
        rig.changed();
        rig.time.advance(2500);
        note(rig, victim, ips, since, outcome);
        rig.expectRest();
        expect(rig.ownedBy(victim), 'what the mute one owns').toEqual([]);
        const mended = rig.time.now();
        rig.port(victim).isMute = false;
        rig.changed();
        rig.time.advance(15_000);
        rig.expectRest();
        expect(rig.longest('two', mended)).toBeLessThanOrEqual(50 + 150);
        expect(rig.longest('none', mended)).toBe(0);
      });
    }
    shown.add({ scenario: 'owner cannot send', nodes: size, ...outcome });
    expect(Math.max(...outcome.outages)).toBeLessThanOrEqual(800);
  },
);

test('an owner loses the carrier of one of two NICs: another answers within 0.2 s on both segments', () => {
  const outcome = newOutcome();
  for (const seed of seedsToPlay(8)) {
    play(
      seed,
      {
        size: 3,
        addresses: 10,
        segments: 2,
        nodes: [
          [0, 1],
          [0, 1],
          [0, 1],
        ],
      },
      (rig) => {
        rig.witness.addClient('client on lan1', 1);
        pass(rig);
        const victim = rig.anyOwner();
        const ips = rig.ownedBy(victim);
        const since = rig.time.now();
        rig.port(victim, 0).hasCarrier = false;
        rig.changed();
        rig.time.advance(2000);
        note(rig, victim, ips, since, outcome);
        rig.expectRest();
        expect(rig.ownedBy(victim)).toEqual([]);
        expect(rig.falseTakeovers).toEqual([]);
      },
    );
  }
  shown.add({ scenario: 'carrier lost, 2 NICs', nodes: 3, ...outcome });
  expect(Math.max(...outcome.outages)).toBeLessThanOrEqual(200);
});

test('a carrier that returns before anybody has claimed finds its owner again', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      pass(rig);
      const victim = rig.anyOwner();
      const since = rig.time.now();
      carrierLoss.fail(rig, victim);
      rig.time.advance(60);
      carrierLoss.mend(rig, victim);
      rig.time.advance(5000);
      rig.expectRest();
      expect(rig.longest('two', since)).toBeLessThanOrEqual(50 + 150);
      expect(rig.longest('none', since)).toBeLessThanOrEqual(450);
    });
  }
});
