import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipFromNumber, type Ip } from '../../lib/ip.ts';
import { placeAll, type PlacedGroup } from './placement.ts';

const well = () => ({ isReady: true, isHeard: true });
const nodeNames = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `node-${index}`);
const group = (number: number, nodes: readonly string[], owner?: string): PlacedGroup => ({
  key: ipFromNumber('IPv4', BigInt(0x0a00_0000 + number)),
  createdAt: '2026-01-01',
  candidates: nodes.map((node) => ({ node, score: 0 })),
  owner,
});

/** Groups by node, the emptiest included. */
const countBy = (nodes: readonly string[], owners: Iterable<string | undefined>): readonly number[] => {
  const counts = new Map(nodes.map((node) => [node, 0]));
  for (const owner of owners) if (owner !== undefined) counts.set(owner, counts.get(owner)! + 1);
  return [...counts.values()];
};
const busiestToMean = (counts: readonly number[]): number =>
  Math.max(...counts) / (counts.reduce((sum, count) => sum + count, 0) / counts.length);

/** Decides a number of groups, one after the other or all at once, and lets every first candidate claim. */
const settle = (nodes: readonly string[], count: number, step: number): readonly PlacedGroup[] => {
  let groups: readonly PlacedGroup[] = [];
  while (groups.length < count) {
    const more = Array.from({ length: step }, (_, index) => group(groups.length + index, nodes));
    groups = [...groups, ...more];
    const orders = placeAll(groups, nodes.length, well);
    groups = groups.map((each) => ({ ...each, owner: orders.get(each.key)![0] }));
  }
  return groups;
};

describe('100 groups on 10 nodes are balanced', () => {
  const nodes = nodeNames(10);

  test.each([
    ['when they come at once', 100],
    ['when they come ten at a time', 10],
    ['when they come one by one', 1],
  ])('%s', (_, step) => {
    const counts = countBy(
      nodes,
      settle(nodes, 100, step).map(({ owner }) => owner),
    );
    expect(busiestToMean(counts)).toBeLessThanOrEqual(1.25);
  });

  test.each([100, 1])('after any of them died, by the order that stood before (%i at a time)', (step) => {
    const groups = settle(nodes, 100, step);
    const orders = placeAll(groups, nodes.length, well);
    for (const dead of nodes) {
      const left = nodes.filter((node) => node !== dead);
      const owners = groups.map(({ key, owner }) => (owner === dead ? orders.get(key)![1] : owner));
      expect(busiestToMean(countBy(left, owners)), dead).toBeLessThanOrEqual(1.25);
    }
  });

  test('and whoever decides anew after a death comes to the successors that the order named', () => {
    const groups = settle(nodes, 100, 1);
    const orders = placeAll(groups, nodes.length, well);
    for (const dead of nodes) {
      const left = groups.map(({ owner, candidates, ...each }) => ({
        ...each,
        owner: owner === dead ? undefined : owner,
        candidates: candidates.filter(({ node }) => node !== dead),
      }));
      const after = placeAll(left, nodes.length - 1, well);
      const orphans = groups.filter(({ owner }) => owner === dead).map(({ key }) => key);
      expect(orphans.map((key) => after.get(key)![0])).toEqual(orphans.map((key) => orders.get(key)![1]));
    }
  });
});

test.each([
  [3, 3],
  [3, 30],
  [5, 17],
  [100, 1000],
])('%i nodes share %i groups evenly', (nodeCount, groupCount) => {
  const nodes = nodeNames(nodeCount);
  const counts = countBy(
    nodes,
    settle(nodes, groupCount, groupCount).map(({ owner }) => owner),
  );
  const mean = groupCount / nodeCount;
  expect(Math.max(...counts)).toBeLessThanOrEqual(Math.max(Math.ceil(mean), Math.floor(mean * 1.1)));
});

test('a node that returns takes nothing back', () => {
  const nodes = nodeNames(3);
  const groups = settle(nodes.slice(1), 20, 20).map((each) => group(Number(each.key.slice(7)), nodes, each.owner));
  const orders = placeAll(groups, 3, well);
  for (const { key, owner } of groups) expect(orders.get(key)![0]).toBe(owner);
});

const view = fc.record({
  nodes: fc.uniqueArray(fc.constantFrom(...nodeNames(6)), { minLength: 1 }),
  groups: fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 1, max: 60 }),
      createdAt: fc.constantFrom('2026-01-01', '2026-01-02'),
      candidates: fc.uniqueArray(
        fc.record({ node: fc.constantFrom(...nodeNames(6)), score: fc.constantFrom(0, 0, 5) }),
        { minLength: 1, selector: ({ node }) => node },
      ),
      owner: fc.constantFrom(undefined, ...nodeNames(6)),
    }),
    { selector: ({ number }) => number },
  ),
  unready: fc.uniqueArray(fc.constantFrom(...nodeNames(6))),
  unheard: fc.uniqueArray(fc.constantFrom(...nodeNames(6))),
});
type View = typeof view extends fc.Arbitrary<infer V> ? V : never;

const placed = ({ nodes, groups, unready, unheard }: View): ReadonlyMap<Ip, readonly string[]> =>
  placeAll(
    groups.map(({ number, ...each }) => ({ ...each, key: ipFromNumber('IPv4', BigInt(number)) })),
    nodes.length,
    (node) => ({ isReady: !unready.includes(node), isHeard: !unheard.includes(node) }),
  );

test('the same view gives the same orders, however it is sorted; each order has every candidate once', () => {
  fc.assert(
    fc.property(view, fc.infiniteStream(fc.nat()), (seen, numbers) => {
      const orders = placed(seen);
      const shuffled = seen.groups
        .map((each) => ({ each, at: numbers.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each);
      expect(new Map(placed({ ...seen, groups: shuffled }))).toEqual(orders);
      for (const { number, candidates } of seen.groups) {
        const order = orders.get(ipFromNumber('IPv4', BigInt(number)));
        expect(new Set(order)).toEqual(new Set(candidates.map(({ node }) => node)));
        expect(order).toHaveLength(candidates.length);
      }
    }),
  );
});

test('from any owners there are, claims of the first candidates settle at once', () => {
  fc.assert(
    fc.property(view, (seen) => {
      const orders = placed(seen);
      const settled = seen.groups.map((each) => ({
        ...each,
        owner: orders.get(ipFromNumber('IPv4', BigInt(each.number)))![0]!,
      }));
      const again = placed({ ...seen, groups: settled });
      for (const { number, owner } of settled) {
        // A candidate that is not heard owns nothing as long as another one is.
        if (!seen.unheard.includes(owner)) expect(again.get(ipFromNumber('IPv4', BigInt(number)))![0]).toBe(owner);
      }
    }),
  );
});
