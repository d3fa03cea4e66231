/**
 * Random histories: faults of every kind on top of each other, then all is mended, and exactly one node is to answer
 * for each address. A failure names its seed: `SIMULATION_SEED=17 npm run test:simulation` plays that history alone, and
 * `SIMULATION_HISTORIES=500` looks at more than the usual ones.
 */
import { afterAll, expect, test, vi } from 'vitest';
import { seedsToPlay } from '../random.ts';
import { disturb, mend } from './faults.ts';
import { collectFigures } from './figures.ts';
import { play } from './rig.ts';

// A search by `SIMULATION_HISTORIES` takes its time.
vi.setConfig({ testTimeout: 3_600_000 });

const shown = collectFigures();
afterAll(shown.print);

const shapes = [
  { size: 3, segments: 1, histories: 40 },
  { size: 5, segments: 2, histories: 16 },
  { size: 10, segments: 1, histories: 5 },
] as const;

test.each(shapes)(
  'faults at random, then healed: $size nodes on $segments segments have one owner for each address',
  ({ size, segments, histories }) => {
    const total = { double: [] as number[], none: [] as number[], lasted: 0, falseTakeovers: 0 };
    for (const seed of seedsToPlay(histories)) {
      // Some nodes have an interface in each segment, some in the first alone.
      const nodes = Array.from({ length: size }, (_, index) => (segments === 1 || index % 3 === 2 ? [0] : [0, 1]));
      play(seed, { size, segments, nodes, addresses: 8 }, (rig) => {
        for (let round = 0; round < 3; round++) {
          const since = rig.time.now();
          for (let count = 1 + rig.random.below(6); count > 0; count--) {
            disturb(rig);
            rig.time.advance(rig.random.pick([0, 5, 60, 300, 2000, 10_000]) * rig.random.next());
          }
          mend(rig);
          // Whatever was suspected, hidden or postponed is over by then: who has yielded waits for 10 s.
          rig.time.advance(25_000);
          rig.expectRest();
          const { double, none, lasted, falseTakeovers } = rig.figures('', since);
          total.double.push(...double);
          total.none.push(...none);
          total.lasted += lasted;
          total.falseTakeovers += falseTakeovers;
          // At rest nothing moves any more.
          const owners = rig.keys.map(rig.owner);
          const rest = rig.time.now();
          rig.time.advance(5000);
          expect(rig.keys.map(rig.owner), 'owners at rest').toEqual(owners);
          expect(rig.longest('two', rest)).toBe(0);
          expect(rig.longest('none', rest)).toBe(0);
        }
        expect(rig.falseTakeovers).toEqual([]);
      });
    }
    shown.add({
      scenario: `random faults, ${segments} segments`,
      nodes: size,
      ...total,
    });
  },
);
