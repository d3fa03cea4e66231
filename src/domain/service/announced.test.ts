import { expect, test } from 'vitest';
import { announced, announcedBy } from './announced.ts';

const type = 'metallb.io/Announced';
const of = (node: string, more: object = {}) => ({
  node,
  interfaces: undefined,
  condition: { type, status: 'True' as const, reason: 'Announced', message: `by ${node}`, since: 'T', ...more },
});

test('what the one speaker says is the condition, without its time', () =>
  expect(announced([of('n1')])).toEqual({ type, status: 'True', reason: 'Announced', message: 'by n1' }));

test('while no speaker has said anything there is no condition', () => {
  expect(announced([])).toBeUndefined();
  expect(announced([{ node: undefined, interfaces: undefined, condition: undefined }])).toBeUndefined();
});

test('a node that announces it counts more than what others say', () =>
  expect(announced([of('n1', { status: 'False', reason: 'NoNode' }), of('n2')])).toMatchObject({ message: 'by n2' }));

test('where two announce it both are named, in an order that does not depend on the coming, with the graver reason', () => {
  const both = [of('n2', { reason: 'AddressConflict' }), of('n1')];
  const expected = { type, status: 'True', reason: 'AddressConflict', message: 'by n1; by n2' };
  expect(announced(both)).toEqual(expected);
  expect(announced(both.toReversed())).toEqual(expected);
});

test('a speaker of MetalLB says by the object alone that its node announces the service', () => {
  expect(announced([{ node: 'n1', interfaces: ['eth0', 'eth1'], condition: undefined }])).toEqual({
    type,
    status: 'True',
    reason: 'Announced',
    message: 'node "n1" announces it on interfaces ["eth0" "eth1"]',
  });
  expect(announcedBy('n1', undefined)).toBe('node "n1" announces it on every interface');
});
