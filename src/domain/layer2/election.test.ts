import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipFromNumber, type Ip } from '../../lib/ip.ts';
import { hashOrder, rememberHashOrder } from './election.ts';

const nodes = new Set(['node-a', 'node-b', 'node-c']);

describe('the order of MetalLB', () => {
  test.each([
    ['10.0.0.10', ['node-b', 'node-c', 'node-a']],
    ['10.0.0.11', ['node-b', 'node-c', 'node-a']],
    ['fc00:f853:ccd:e799::1', ['node-b', 'node-a', 'node-c']],
  ])('of three nodes for %s', (key, order) => {
    expect(hashOrder(nodes, { key: key as Ip })).toEqual(order);
  });

  test('does not depend on the order in which the candidates are known', () => {
    const key = '10.0.0.10' as Ip;
    expect(hashOrder(new Set(['node-c', 'node-b', 'node-a']), { key })).toEqual(['node-b', 'node-c', 'node-a']);
  });

  test('compares the octets of the hash, not a text of them', () => {
    const key = '10.0.0.10' as Ip;
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const digest = (name: string): Buffer => createHash('sha256').update(`${name}#${key}`, 'utf8').digest();
    const expected = names.toSorted((a, b) => Buffer.compare(digest(a), digest(b)));
    expect(hashOrder(new Set(names), { key })).toEqual(expected);
  });
});

const candidates = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
const group = fc.integer({ min: 1, max: 4 }).map((value) => ({ key: ipFromNumber('IPv4', BigInt(value)) }));

test('a remembered order equals a computed one, whatever was asked before', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ candidates, group, forget: fc.boolean() })), (steps) => {
      const election = rememberHashOrder();
      for (const step of steps) {
        const asked = new Set(step.candidates);
        expect(election.order(asked, step.group)).toEqual(hashOrder(asked, step.group));
        if (step.forget) election.forget(step.group);
      }
    }),
  );
});

test('nodes that leave and come back are not hashed again', () => {
  let computed = 0;
  const election = rememberHashOrder((asked, { key }) => {
    computed++;
    return hashOrder(asked, { key });
  });
  const key = '10.0.0.10' as Ip;
  election.order(nodes, { key });
  expect(election.order(new Set(['node-a', 'node-c']), { key })).toEqual(['node-c', 'node-a']);
  expect(election.order(nodes, { key })).toEqual(['node-b', 'node-c', 'node-a']);
  expect(computed).toBe(1);

  election.order(new Set([...nodes, 'node-d']), { key });
  expect(computed).toBe(2);
});
