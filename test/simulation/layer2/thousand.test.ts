/** A thousand speakers on one segment, for a few virtual seconds. */
import { afterAll, expect, test } from 'vitest';
import { type Figures, percentile, printFigures } from './figures.ts';
import { play } from './rig.ts';

const shown: Figures[] = [];
afterAll(() => printFigures(shown));

test('1,000 nodes with 100 addresses: beacons stay below 1,100 a second, and a crash is handled', () => {
  play(1, { size: 1000, addresses: 100, warmUp: 4000 }, (rig) => {
    const sent = rig.restSent(1000);
    const since = rig.time.now();
    const victim = rig.anyOwner();
    const ips = rig.ownedBy(victim);
    rig.powerOff(victim);
    rig.time.advance(1500);
    rig.expectRest();
    const outages = rig.figures('', since).outages;
    shown.push(rig.figures('node loses power', since, { outages, sent, lasted: 1000 }));
    expect(sent).toBeLessThanOrEqual(1100);
    expect(outages).toHaveLength(ips.length);
    expect(percentile(outages, 0.5)).toBeLessThanOrEqual(800);
    expect(rig.longest('two', 0)).toBe(0);
    expect(rig.falseTakeovers).toEqual([]);
  });
});
