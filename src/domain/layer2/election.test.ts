import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipFromNumber, type Ip } from '../../lib/ip.ts';
import { hashRank } from '../../lib/hash-rank.ts';
import { chooseFirst, createMetallbOrder, type NodeState, orderBehind } from './election.ts';
import type { Candidate } from './group-decision.ts';
import type { Loads } from './loads.ts';
import { spreadHashes } from './spread-hash.ts';

const equal = (...nodes: readonly string[]): readonly Candidate[] => nodes.map((node) => ({ node, score: 0 }));
const key = '10.0.0.10' as Ip;

describe('the order of MetalLB', () => {
  const nodes = equal('node-a', 'node-b', 'node-c');

  test.each([
    ['10.0.0.10', ['node-b', 'node-c', 'node-a']],
    ['10.0.0.11', ['node-b', 'node-c', 'node-a']],
    ['fc00:f853:ccd:e799::1', ['node-b', 'node-a', 'node-c']],
  ])('of three nodes for %s', (address, order) => {
    expect(createMetallbOrder().order({ key: address as Ip, candidates: nodes })).toEqual(order);
    expect(createMetallbOrder().order({ key: address as Ip, candidates: nodes.toReversed() })).toEqual(order);
  });

  test('has the higher score first', () => {
    const candidates = [...equal('node-b', 'node-c'), { node: 'node-a', score: 7 }];
    expect(createMetallbOrder().order({ key, candidates })).toEqual(['node-a', 'node-b', 'node-c']);
  });

  test('compares the octets of the hash, not a text of them', () => {
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const digest = (name: string): Buffer => createHash('sha256').update(`${name}#${key}`, 'utf8').digest();
    const expected = names.toSorted((a, b) => Buffer.compare(digest(a), digest(b)));
    expect(createMetallbOrder().order({ key, candidates: equal(...names) })).toEqual(expected);
  });

  test('is the same whatever was asked before', () => {
    const candidates = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
    const address = fc.integer({ min: 1, max: 4 }).map((value) => ipFromNumber('IPv4', BigInt(value)));
    fc.assert(
      fc.property(fc.array(fc.record({ candidates, key: address, forget: fc.boolean() })), (steps) => {
        const election = createMetallbOrder();
        for (const step of steps) {
          const asked = { key: step.key, candidates: equal(...step.candidates) };
          expect(election.order(asked)).toEqual(createMetallbOrder().order(asked));
          if (step.forget) election.forget(step.key);
        }
      }),
    );
  });

  test('hashes nobody again that leaves and comes back', () => {
    let computed = 0;
    const election = createMetallbOrder((node, address) => {
      computed++;
      return hashRank(node, address);
    });
    election.order({ key, candidates: nodes });
    expect(election.order({ key, candidates: equal('node-a', 'node-c') })).toEqual(['node-c', 'node-a']);
    expect(election.order({ key, candidates: nodes })).toEqual(['node-b', 'node-c', 'node-a']);
    expect(computed).toBe(3);
  });
});

describe('the order of metallb-ts', () => {
  const well: NodeState = { isReady: true, isHeard: true };
  const states =
    (others: Readonly<Record<string, Partial<NodeState>>> = {}) =>
    (node: string) => ({
      ...well,
      ...others[node],
    });
  const noExcess: Pick<Loads, 'excess' | 'excessAfter'> = { excess: () => 0, excessAfter: () => 0 };
  const orderOf = (
    candidates: readonly Candidate[],
    { owner = undefined as string | undefined, loads = noExcess, stateOf = states() } = {},
  ): readonly string[] => {
    const election = { key, candidates, owner };
    const first = chooseFirst(election, loads, stateOf);
    return first === undefined ? [] : orderBehind(first, election, loads, stateOf);
  };
  const [one, two, three] = orderOf(equal('a', 'b', 'c')) as [string, string, string];

  test('keeps the others when one goes', () => {
    expect(orderOf(equal('a', 'b', 'c').filter(({ node }) => node !== one))).toEqual([two, three]);
    expect(orderOf([])).toEqual([]);
  });

  test('follows the hash in five places, and names after that', () => {
    const names = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index));
    const order = orderOf(equal(...names));
    const rank = spreadHashes(key);
    const byHash = names.toSorted((a, b) => rank(a) - rank(b));
    expect(order.slice(0, 5)).toEqual(byHash.slice(0, 5));
    expect(order.slice(5)).toEqual(names.filter((name) => !byHash.slice(0, 5).includes(name)));
  });

  test('has the owner first, whatever speaks for others, as long as it is heard and a candidate', () => {
    const candidates = [{ node: one, score: 9 }, ...equal(two, three)];
    const stateOf = states({ [three]: { isReady: false } });
    expect(orderOf(candidates, { owner: three, stateOf })).toEqual([three, one, two]);
    expect(orderOf(candidates, { owner: three, stateOf: states({ [three]: { isHeard: false } }) })).toEqual([
      one,
      two,
      three,
    ]);
    expect(orderOf(candidates, { owner: 'gone' })).toEqual([one, two, three]);
  });

  test('ranks who is silent behind who is not ready, behind the preferred, behind those within their share', () => {
    const excess = { excess: (node: string) => (node === one ? 1 : 0), excessAfter: () => 0 };
    expect(orderOf(equal(one, two, three), { loads: excess })).toEqual([two, one, three]);
    expect(orderOf([{ node: one, score: 1 }, ...equal(two, three)], { loads: excess })).toEqual([one, two, three]);
    const preferred = [{ node: one, score: 9 }, { node: two, score: 1 }, ...equal(three)];
    const stateOf = states({ [one]: { isReady: false }, [two]: { isHeard: false } });
    expect(orderOf(preferred, { stateOf })).toEqual([three, one, two]);
  });

  test('never leaves out who is not ready or not heard', () => {
    const nobodyWell = () => ({ isReady: false, isHeard: false });
    expect(orderOf(equal('a', 'b', 'c'), { stateOf: nobodyWell })).toEqual([one, two, three]);
  });

  test('has the second by what the loads would be without the first', () => {
    const loads = {
      excess: () => 0,
      excessAfter: (first: string, node: string) => (first === one && node === two ? 2 : 1),
    };
    expect(orderOf(equal('a', 'b', 'c'), { loads })).toEqual([one, three, two]);
  });

  test('asks the least loaded where all have more than their share', () => {
    const excess = (node: string): number => ({ [one]: 3, [two]: 1, [three]: 2 })[node]!;
    expect(orderOf(equal('a', 'b', 'c'), { loads: { excess, excessAfter: (_, node) => excess(node) } })).toEqual([
      two,
      three,
      one,
    ]);
  });
});
