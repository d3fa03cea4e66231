import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedIndex } from './shared-index.ts';

const ports = ['TCP/1', 'TCP/2', 'TCP/3', 'TCP/4'];

/** Long runs of addresses with one taken port, and stretches where now one port is taken and now another. */
const address = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>(['TCP/1']) },
  { weight: 5, arbitrary: fc.constantFrom<string[]>(['TCP/1', 'TCP/4'], ['TCP/2'], ['TCP/2', 'TCP/3']) },
  { weight: 1, arbitrary: fc.oneof(fc.constant<string[]>([]), fc.subarray(ports)) },
);
/** Few are changed, and each often. */
const index = fc.oneof(fc.nat(119), fc.nat(7));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('flip' as const), index, port: fc.constantFrom(...ports) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('flipDoor' as const), index }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('replace' as const),
      index,
      taken: fc.oneof(address, fc.constant<string[]>([])),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('ask' as const), wanted: fc.subarray(ports) }) },
);

/** The index of one circle, beside a plain list of it. */
class Twins {
  readonly fast = new SharedIndex();
  readonly list: ({ readonly taken: Set<string>; isClosed: boolean } | undefined)[] = [];

  add(index: number, taken: readonly string[]): void {
    this.list[index] = { taken: new Set(taken), isClosed: false };
    this.fast.add('k', BigInt(index));
    for (const port of taken) this.fast.takePort('k', BigInt(index), port);
  }
  remove(index: number): void {
    if (this.list[index]?.isClosed === true) this.flipDoor(index);
    for (const port of this.list[index]?.taken ?? []) this.fast.freePort('k', BigInt(index), port);
    this.list[index] = undefined;
    this.fast.remove('k', BigInt(index));
  }
  flip(index: number, port: string): void {
    const found = this.list[index];
    if (found?.taken.delete(port) === true) this.fast.freePort('k', BigInt(index), port);
    else if (found !== undefined) {
      found.taken.add(port);
      this.fast.takePort('k', BigInt(index), port);
    }
  }
  flipDoor(index: number): void {
    const found = this.list[index];
    if (found === undefined) return;
    found.isClosed = !found.isClosed;
    if (found.isClosed) this.fast.close('k', BigInt(index));
    else this.fast.open('k', BigInt(index));
  }
  lowestFit(wanted: readonly string[]): bigint | undefined {
    const at = this.list.findIndex(
      (found) => found !== undefined && !found.isClosed && !wanted.some((port) => found.taken.has(port)),
    );
    return at < 0 ? undefined : BigInt(at);
  }
}

test('the lowest address that fits is the one a scan finds, whatever was asked before', () => {
  fc.assert(
    fc.property(
      fc.array(address, { minLength: 60, maxLength: 120, size: 'max' }),
      fc.array(step, { maxLength: 300, size: 'max' }),
      (addresses, steps) => {
        const twins = new Twins();
        for (const [i, taken] of addresses.entries()) twins.add(i, taken);
        for (const step of steps) {
          switch (step.type) {
            case 'flip':
              twins.flip(step.index, step.port);
              break;
            case 'flipDoor':
              twins.flipDoor(step.index);
              break;
            case 'replace':
              if (twins.list[step.index] === undefined) twins.add(step.index, step.taken);
              else twins.remove(step.index);
              break;
            case 'ask':
              expect(twins.fast.lowestFit('k', step.wanted)).toBe(twins.lowestFit(step.wanted));
          }
          const both = ['TCP/1', 'TCP/2'];
          expect(twins.fast.lowestFit('k', both)).toBe(twins.lowestFit(both));
        }
        expect(twins.fast.lowestFit('l', [])).toBeUndefined();
      },
    ),
    { numRuns: 150 },
  );
});

test('a search that took long is not made again, whatever changes meanwhile', () => {
  const twins = new Twins();
  for (let i = 0; i < 5000; i++) twins.add(i, [i % 2 === 0 ? 'TCP/1' : 'TCP/2']);
  const both = ['TCP/1', 'TCP/2'];
  // Each change opens an address that is closed again at once; more of them than answers are kept for.
  for (let i = 0; i < 5000; i++) {
    expect(twins.fast.lowestFit('k', both)).toBeUndefined();
    twins.flip(i, i % 2 === 0 ? 'TCP/1' : 'TCP/2');
    if (i % 100 === 0) expect(twins.fast.lowestFit('k', both)).toBe(BigInt(i));
    twins.flip(i, i % 2 === 0 ? 'TCP/1' : 'TCP/2');
  }
});
