/** A thousand speakers on one segment, for a few virtual seconds. A failure names its seed, as in the other simulations. */
import { afterAll, expect, test, vi } from 'vitest';
import { collectFigures, percentile } from './figures.ts';
import { play } from './rig.ts';

// A search by `SIMULATION_HISTORIES` takes its time.
vi.setConfig({ testTimeout: 3_600_000 });

const shown = collectFigures();
afterAll(shown.print);

/** Those that may own groups are real; with all of them real a run takes minutes and gigabytes. */
const real = process.env['SIMULATION_HISTORIES'] === undefined ? 25 : 1000;

test('1,000 nodes on one segment: about a thousand beacons a second, and a crash is handled in 0.8 s', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `n${index}`);
  const chorus = new Set(names.slice(real));
  const options = { size: 1000, addresses: 50, warmUp: 12_000, chorus, candidates: () => names.slice(0, real) };
  play(1, options, (rig) => {
    const begun = rig.time.now();
    const sent = rig.restSent(1000);
    const detections: number[] = [];
    const outages: number[] = [];
    for (let round = 0; round < 2; round++) {
      const since = rig.time.now();
      const victim = rig.anyOwner();
      const ips = rig.ownedBy(victim);
      rig.powerOff(victim);
      rig.time.advance(700);
      rig.expectRest();
      const { outages: missed } = rig.figures('', since);
      expect(missed).toHaveLength(ips.length);
      outages.push(...missed);
      const verdict = rig.told.find(
        ({ at, report }) => at > since && report.type === 'suspicion' && report.outcome === 'dead',
      );
      detections.push(verdict!.at - since);
    }
    shown.add(rig.figures('node loses power', begun, { detections, outages, sent, sentIn: 1000 }));
    expect(sent, 'packets in a second').toBeLessThanOrEqual(1100);
    expect(percentile(outages, 0.5)).toBeLessThanOrEqual(500);
    expect(percentile(outages, 0.99)).toBeLessThanOrEqual(800);
    expect(rig.longest('two', 0)).toBe(0);
    expect(rig.falseTakeovers).toEqual([]);
  });
});
