import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipFromNumber, type Ip } from '../../lib/ip.ts';
import { placeAll } from './placement.ts';
import { createPlacements, type UnplacedGroup } from './placements.ts';

const names = ['a', 'b', 'c', 'd'];
const well = () => ({ isReady: true, isHeard: true });
const ip = (number: number): Ip => ipFromNumber('IPv4', BigInt(0x0a00_0000 + number));
const group = (number: number, nodes: readonly string[] = names): UnplacedGroup => ({
  key: ip(number),
  createdAt: '2026-01-01',
  candidates: nodes.map((node) => ({ node, score: 0 })),
});
const groups = (count: number): readonly UnplacedGroup[] => Array.from({ length: count }, (_, index) => group(index));
const make = (changes: Partial<Parameters<typeof createPlacements>[0]> = {}) =>
  createPlacements({ policy: () => 'sticky', nodes: () => names.length, stateOf: well, ...changes });

const step = fc.oneof(
  fc.record({
    type: fc.constant('place' as const),
    groups: fc.uniqueArray(
      fc.record({ number: fc.nat({ max: 30 }), nodes: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }) }),
      { selector: ({ number }) => number, minLength: 1, maxLength: 8 },
    ),
  }),
  fc.record({ type: fc.constant('remove' as const), number: fc.nat({ max: 30 }) }),
  fc.record({
    type: fc.constant('own' as const),
    number: fc.nat({ max: 30 }),
    node: fc.constantFrom(undefined, ...names),
  }),
  fc.record({ type: fc.constant('level' as const) }),
);

test('whatever happened, levelled orders are those of whoever sees it for the first time; loads count them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const placements = make();
      const placed = new Map<Ip, UnplacedGroup>();
      const followed = new Map<Ip, readonly string[]>();
      const follow = (keys: ReadonlySet<Ip>): void => {
        for (const key of keys) followed.set(key, placements.orderOf(key)!);
      };
      for (const each of [...steps, { type: 'level' as const }]) {
        if (each.type === 'place') {
          const changed = each.groups.map(({ number, nodes }) => group(number, nodes));
          for (const one of changed) placed.set(one.key, one);
          follow(placements.place(changed));
        } else if (each.type === 'remove') {
          placed.delete(ip(each.number));
          followed.delete(ip(each.number));
          placements.remove(ip(each.number));
        } else if (each.type === 'own') placements.setOwner(ip(each.number), each.node);
        else follow(placements.level());
      }
      const seen = [...placed.values()].map((one) => ({ ...one, owner: placements.ownerOf(one.key) }));
      const orders = placeAll(seen, names.length, well);
      expect(followed).toEqual(orders);
      for (const node of names) {
        expect(placements.loadOf(node)).toBe([...orders.values()].filter(([first]) => first === node).length);
      }
    }),
  );
});

test('groups that come one by one are spread as they come, before anybody claims', () => {
  const placements = make();
  for (const one of groups(40)) expect(placements.place([one])).toEqual(new Set([one.key]));
  for (const node of names) expect(placements.loadOf(node)).toBeLessThanOrEqual(11);
  expect(names.reduce((sum, node) => sum + placements.loadOf(node), 0)).toBe(40);
});

test('a group that is decided again with the same candidates is not placed again', () => {
  const placements = make();
  const [first, second] = [group(1), group(2)];
  placements.place([first]);
  placements.place([second]);
  placements.setOwner(first.key, placements.orderOf(first.key)![2]);
  expect(placements.place([first, second])).toEqual(new Set());
});

describe('an owner', () => {
  test('is known before its group is', () => {
    const placements = make();
    placements.setOwner(ip(1), 'd');
    placements.place([group(1)]);
    expect(placements.orderOf(ip(1))![0]).toBe('d');
  });

  test('that is another than expected counts at once, and the order follows when all are levelled', () => {
    const placements = make();
    placements.place([group(1)]);
    const [first, , third] = placements.orderOf(ip(1))! as [string, string, string];
    placements.setOwner(ip(1), third);
    expect([placements.loadOf(first), placements.loadOf(third)]).toEqual([0, 1]);
    expect(placements.orderOf(ip(1))![0]).toBe(first);
    expect(placements.level()).toEqual(new Set([ip(1)]));
    expect(placements.orderOf(ip(1))![0]).toBe(third);
  });
});

test('the exact policy is the order of MetalLB, whoever owns', () => {
  let policy: 'sticky' | 'exact' = 'exact';
  const placements = make({ policy: () => policy });
  const nodes = ['node-a', 'node-b', 'node-c'];
  const one = { ...group(10, nodes) };
  placements.setOwner(one.key, 'node-a');
  placements.place([one]);
  expect(placements.orderOf(one.key)).toEqual(['node-b', 'node-c', 'node-a']);
  policy = 'sticky';
  placements.level();
  expect(placements.orderOf(one.key)![0]).toBe('node-a');
});
