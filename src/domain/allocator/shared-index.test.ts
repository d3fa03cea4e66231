import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedIndex } from './shared-index.ts';

const ports = ['TCP/1', 'TCP/2', 'TCP/3', 'TCP/4'];
const somePorts = fc.subarray(ports);

/** Long runs of addresses with one taken port, as they come about when many services want the same. */
const address = fc.record({
  index: fc.bigInt(0n, 200n),
  taken: fc.oneof({ weight: 5, arbitrary: fc.constant<string[]>(['TCP/1']) }, { weight: 2, arbitrary: somePorts }),
  isClosed: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
});

test('the lowest address that fits is the one a scan finds', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(address, { selector: ({ index }) => index, maxLength: 120, size: 'max' }),
      fc.array(fc.nat(119), { maxLength: 60 }),
      fc.array(somePorts, { minLength: 4, maxLength: 8 }),
      (addresses, removals, questions) => {
        const index = new SharedIndex();
        for (const { index: at, taken, isClosed } of addresses) {
          index.add('k', at);
          for (const port of taken) index.takePort('k', at, port);
          if (isClosed) index.close('k', at);
        }
        const gone = new Set(removals);
        for (const [i, { index: at, taken, isClosed }] of addresses.entries()) {
          if (!gone.has(i)) continue;
          for (const port of taken) index.freePort('k', at, port);
          if (isClosed) index.open('k', at);
          index.remove('k', at);
        }
        const left = addresses.filter((_, i) => !gone.has(i)).sort((a, b) => (a.index < b.index ? -1 : 1));
        for (const wanted of [...questions, [], ['TCP/1'], ['TCP/2', 'TCP/1'], ports]) {
          const fits = left.find(({ taken, isClosed }) => !isClosed && !wanted.some((port) => taken.includes(port)));
          expect(index.lowestFit('k', wanted)).toBe(fits?.index);
        }
        expect(index.lowestFit('l', [])).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
});
