import { expect, test } from 'vitest';
import { ip } from '../../../test/support/ownership-rig.ts';
import { firstByHash } from '../../lib/hash-rank.ts';
import { millis } from '../../lib/time.ts';
import { type Claims, createClaims } from './claims.ts';
import { createContext } from './context.ts';
import type { Claim } from './message.ts';
import { newPeer, type Peer } from './peers.ts';

const key = ip('192.0.2.1');

const claimOf = (number: number, more: Partial<Claim> = {}): Claim => ({
  key,
  number,
  state: 'held',
  successor: undefined,
  revision: 0,
  ...more,
});

type Rig = { readonly claims: Claims; readonly a: Peer; readonly b: Peer; readonly contested: string[] };

const rig = (): Rig => {
  const context = createContext({ node: 'self', epoch: 1n, random64: () => 1n, hasBeacon: true, isProbing: true });
  context.begin(millis(0), millis(0));
  const contested: string[] = [];
  const claims = createClaims(context, {
    onChanged: () => {},
    onContested: ({ owner }) => contested.push(owner?.node ?? ''),
  });
  return { claims, a: newPeer('a', 1n), b: newPeer('b', 2n), contested };
};

test('the higher number owns the group, in whatever order the claims come', () => {
  const { claims, a, b, contested } = rig();
  claims.put(a, claimOf(3));
  expect(claims.get(key)?.owner).toBe(a);
  claims.put(b, claimOf(2));
  expect(claims.get(key)).toMatchObject({ owner: a, highest: 3 });
  expect(contested).toEqual(['a']);
  claims.put(b, claimOf(4));
  expect(claims.get(key)).toMatchObject({ owner: b, highest: 4 });
});

test.each(['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'])(
  'equal numbers for %s are settled by the hash order, whoever was heard first',
  (text) => {
    for (const isTurned of [false, true]) {
      const { claims, a, b } = rig();
      const claim = claimOf(1, { key: ip(text) });
      for (const peer of isTurned ? [b, a] : [a, b]) claims.put(peer, claim);
      expect(claims.get(claim.key)?.owner?.node).toBe(firstByHash('a', 'b', claim.key));
    }
  },
);

test('claims of the dead own nothing, and do again when they return, unless another took over', () => {
  const { claims, a, b } = rig();
  claims.put(a, claimOf(1));
  a.life = 'dead';
  claims.review(a, 'crash');
  expect(claims.get(key)).toMatchObject({ owner: undefined, orphan: { how: 'crash' } });
  a.life = 'alive';
  claims.review(a, 'orphaned');
  expect(claims.get(key)).toMatchObject({ owner: a, orphan: undefined });
  a.life = 'dead';
  claims.review(a, 'crash');
  claims.put(b, claimOf(2));
  a.life = 'alive';
  claims.review(a, 'orphaned');
  expect(claims.get(key)?.owner).toBe(b);
});

test('a released group is no orphan, and what is known of it stays', () => {
  const { claims, a } = rig();
  claims.getOrMake(key).isOrdered = true;
  claims.put(a, claimOf(1));
  claims.put(a, claimOf(2, { state: 'released', revision: 9 }));
  const released = { owner: undefined, orphan: undefined, releasedRevision: 9, releasedNumber: 2, isProven: false };
  expect(claims.get(key)).toMatchObject(released);
  claims.voidAll(a);
  expect(claims.get(key)).toMatchObject(released);
});

test('the digest of a peer follows its claims, and is the same in whatever way they came', () => {
  const { claims, a, b } = rig();
  const other = claimOf(5, { key: ip('192.0.2.2') });
  claims.put(a, claimOf(1));
  claims.put(a, other);
  claims.put(a, claimOf(1, { state: 'dropped' }));
  claims.replaceAll(b, [other]);
  expect(a.digest).toBe(b.digest);
  expect(a.digest).not.toBe(0);
  claims.voidAll(a);
  expect(a.digest).toBe(0);
});

test('a full list takes away what it does not name', () => {
  const { claims, a } = rig();
  const other = claimOf(5, { key: ip('192.0.2.2') });
  claims.put(a, claimOf(1));
  claims.replaceAll(a, [other]);
  expect([...a.claims.keys()]).toEqual([other.key]);
  expect(claims.get(key)).toBeUndefined();
});

test('what is known twice changes nothing', () => {
  const { claims, a } = rig();
  expect(claims.put(a, claimOf(1))).toBe(true);
  expect(claims.put(a, claimOf(1))).toBe(false);
  expect(claims.put(a, claimOf(1, { key: ip('192.0.2.9'), state: 'dropped' }))).toBe(false);
});
