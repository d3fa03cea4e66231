import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Claim, conflictIndex, type Scope } from './conflict-index.ts';

const scope = (names: readonly string[]): fc.Arbitrary<Scope> =>
  fc.oneof(
    fc.constant(undefined),
    fc.subarray([...names]).map((chosen) => new Set(chosen)),
  );
const claims = fc.array(
  fc.record({
    subject: fc.constantFrom('x', 'y'),
    nodes: scope(['n1', 'n2', 'n3']),
    peers: scope(['p1', 'p2']),
    value: fc.nat(2),
  }),
  { maxLength: 12 },
);

const meet = (a: Scope, b: Scope): boolean =>
  a === undefined ? b === undefined || b.size > 0 : b === undefined ? a.size > 0 : [...a].some((name) => b.has(name));

test('the index refuses what a comparison with every claim would', () => {
  fc.assert(
    fc.property(claims, (drafts) => {
      const index = conflictIndex<number>();
      const accepted: Claim<number>[] = [];
      for (const [owner, draft] of drafts.entries()) {
        const claim = { ...draft, owner };
        const others = accepted.filter(
          ({ subject, nodes, peers, value }) =>
            subject === claim.subject && value !== claim.value && meet(nodes, claim.nodes) && meet(peers, claim.peers),
        );
        const found = index.find(claim);
        expect(others.length > 0).toBe(found !== undefined);
        if (found !== undefined) expect(others.map((other) => other.owner)).toContain(found);
        else {
          index.add(claim);
          accepted.push(claim);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
