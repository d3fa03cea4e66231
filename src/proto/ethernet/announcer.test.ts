import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Millis, millis } from '../../lib/time.ts';
import { type Announcer, createAnnouncer } from './announcer.ts';

/** Jumps from deadline to deadline until `end`; says when which address was announced. */
const run = (announcer: Announcer<number>, end: number): [at: number, address: number][] => {
  const sent: [number, number][] = [];
  for (let now = announcer.nextDeadline(); now !== undefined && now <= end; now = announcer.nextDeadline()) {
    for (let address = announcer.takeDue(now); address !== undefined; address = announcer.takeDue(now)) {
      sent.push([now, address]);
    }
  }
  return sent;
};

test('an address is announced at once, after 50 ms, 250 ms, 1, 2 and 5 s, then every 30 to 60 s', () => {
  const announcer = createAnnouncer<number>(() => 0.5);
  announcer.announce(7, millis(1000));
  expect(run(announcer, 100_000).map(([at]) => at)).toEqual([1000, 1050, 1250, 2000, 3000, 6000, 51_000, 96_000]);
});

test('a late turn sends one announcement for all that were missed and goes on with the series', () => {
  const announcer = createAnnouncer<number>(() => 0);
  announcer.announce(7, millis(0));
  expect(announcer.takeDue(millis(0))).toBe(7);
  const late: (number | undefined)[] = [];
  for (const now of [600, 600, 1000, 1000] as Millis[]) late.push(announcer.takeDue(now));
  expect(late).toEqual([7, undefined, 7, undefined]);
});

test('a first announcement that is late makes no later one superfluous', () => {
  const announcer = createAnnouncer<number>(() => 0);
  announcer.announce(7, millis(0));
  expect(announcer.takeDue(millis(80))).toBe(7);
  expect(run(announcer, 6000).map(([at]) => at)).toEqual([130, 330, 1080, 2080, 5080]);
});

test('announcing again starts the series anew', () => {
  const announcer = createAnnouncer<number>(() => 0);
  announcer.announce(7, millis(0));
  run(announcer, 1500);
  announcer.announce(7, millis(1500));
  expect(run(announcer, 2000).map(([at]) => at)).toEqual([1500, 1550, 1750]);
});

test('an address that is withdrawn is announced no more', () => {
  const announcer = createAnnouncer<number>(() => 0);
  announcer.announce(7, millis(0));
  announcer.announce(8, millis(0));
  announcer.withdraw(7);
  expect(new Set(run(announcer, 200_000).map(([, address]) => address))).toEqual(new Set([8]));
  announcer.withdraw(8);
  expect(announcer.nextDeadline()).toBeUndefined();
});

test('6,000 addresses are refreshed at no more than 50 a second, spread evenly', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const announcer = createAnnouncer<number>(random);
  for (let address = 0; address < 6000; address++) announcer.announce(address, millis(0));
  const perSecond = new Map<number, number>();
  for (const [at] of run(announcer, 600_000)) {
    if (at > 10_000) perSecond.set(Math.floor(at / 1000), (perSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
  }
  const counts = [...perSecond.values()];
  expect(counts.reduce((a, b) => a + b) / 590).toBeLessThan(50);
  expect(Math.max(...counts)).toBeLessThan(100);
});

test('refreshes come together once a second, 30 to 60 s after the announcement before', () => {
  const announcer = createAnnouncer<number>(Math.random);
  for (let address = 0; address < 500; address++) announcer.announce(address, millis(address));
  const refreshes = run(announcer, 70_000).filter(([at]) => at > 10_000);
  expect(new Set(refreshes.map(([at]) => at % 1000))).toEqual(new Set([0]));
  const first = new Map<number, number>();
  for (const [at, address] of refreshes) first.set(address, Math.min(at, first.get(address) ?? at));
  for (const [address, at] of first) {
    expect(at - (address + 5000)).toBeGreaterThanOrEqual(30_000);
    expect(at - (address + 5000)).toBeLessThanOrEqual(60_000);
  }
  expect(first.size).toBe(500);
});

test('every address that is announced is refreshed within a minute, whatever the order of events', () => {
  const event = fc.record({ address: fc.nat(5), delay: fc.nat(3000), withdraw: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const announcer = createAnnouncer<number>(() => 0.99);
      const announced = new Set<number>();
      let now = 0;
      for (const { address, delay, withdraw } of events) {
        now += delay;
        if (withdraw) announcer.withdraw(address);
        else announcer.announce(address, millis(now));
        if (withdraw) announced.delete(address);
        else announced.add(address);
        run(announcer, now);
      }
      expect(new Set(run(announcer, now + 66_000).map(([, address]) => address))).toEqual(announced);
    }),
  );
});
