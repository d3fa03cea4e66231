import { expect, test } from 'vitest';
import type { NodeView } from '../src/domain/objects.ts';
import { seconds } from '../src/lib/time.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import { createNodeStates } from './node-states.ts';

const rig = (...names: readonly string[]) => {
  const clock = fakeClock();
  const nodes = new Map<string, NodeView>();
  const put = (name: string, more: Partial<NodeView> = {}): void => {
    nodes.set(name, { name, labels: {}, ready: true, networkUnavailable: false, addresses: [], ...more });
  };
  for (const name of names) put(name);
  const states = createNodeStates({ self: 'a', nodes, ignoreExcludeLabel: false, clock });
  return { clock, nodes, put, states };
};

test('members may own addresses in order of name, if their nodes are there', () => {
  const { states, nodes } = rig('b', 'a', 'd');
  expect(states.setMembers(['c', 'b', 'a'])).toBe('candidates');
  expect([...states.eligible()]).toEqual(['a', 'b']);
  expect([...states.known()]).toEqual([
    ['a', undefined],
    ['b', undefined],
    ['c', 'noNode'],
    ['d', 'notMember'],
  ]);
  nodes.delete('b');
  expect(states.nodeChanged('b')).toBe('candidates');
  expect([...states.eligible()]).toEqual(['a']);
});

test('while no node is known at all, members may own addresses', () => {
  const { states } = rig();
  states.setMembers(['a', 'b']);
  expect([...states.eligible()]).toEqual(['a', 'b']);
});

test('a node is up since it is member, heard and ready without a break', () => {
  const { states, clock, put } = rig('a', 'b');
  clock.advance(seconds(1));
  states.setMembers(['a', 'b']);
  clock.advance(seconds(1));
  states.nodeChanged('b');
  expect(states.upSince('b')).toBe(seconds(1));
  put('b', { ready: false });
  expect(states.nodeChanged('b')).toBe('ranks');
  expect([states.upSince('b'), states.stateOf('b')]).toEqual([undefined, { isReady: false, isHeard: true }]);
  put('b');
  states.nodeChanged('b');
  expect(states.upSince('b')).toBe(seconds(2));
  clock.advance(seconds(1));
  expect(states.setPeer('b', false, []).news).toBe('ranks');
  expect([states.upSince('b'), states.living()]).toEqual([undefined, 1]);
  states.setPeer('b', true, []);
  expect([states.upSince('b'), states.living()]).toEqual([seconds(3), 2]);
  states.setPeer('b', false, []);
  states.setMembers(['a']);
  expect(states.upSince('b')).toBeUndefined();
});

test('a node that is heard takes part though gossip has dropped it, and no longer when it falls silent', () => {
  const { states } = rig('a', 'b');
  states.setMembers(['a', 'b']);
  states.setPeer('b', true, ['eth0']);
  expect(states.setMembers(['a'])).toBeUndefined();
  expect([...states.eligible()]).toEqual(['a', 'b']);
  expect([states.upSince('b'), states.interfacesOf('b')]).toEqual([0, new Set(['eth0'])]);
  expect(states.setPeer('b', false, []).news).toBe('candidates');
  expect([...states.eligible()]).toEqual(['a']);
  expect(states.setPeer('b', true, ['eth0']).news).toBe('candidates');
  expect([...states.eligible()]).toEqual(['a', 'b']);
});

test('this node remembers since when it has not been ready', () => {
  const { states, clock, put } = rig('a');
  states.setMembers(['a']);
  put('a', { ready: false });
  clock.advance(seconds(5));
  states.nodeChanged('a');
  clock.advance(seconds(5));
  states.nodeChanged('a');
  expect(states.notReadySince()).toBe(seconds(5));
  put('a');
  states.nodeChanged('a');
  expect(states.notReadySince()).toBeUndefined();
});

test('interfaces are known until a member goes; one that falls silent has those it had', () => {
  const { states } = rig('a', 'b');
  states.setMembers(['a', 'b']);
  expect(states.interfacesOf('b')).toBeUndefined();
  expect(states.setPeer('b', true, ['eth0']).isOther).toBe(true);
  expect(states.setPeer('b', true, ['eth0']).isOther).toBe(false);
  expect(states.setPeer('b', false, []).isOther).toBe(false);
  expect(states.interfacesOf('b')).toEqual(new Set(['eth0']));
  states.setMembers(['a']);
  expect(states.interfacesOf('b')).toBeUndefined();
  states.setInterfaces(['eth7']);
  expect(states.interfacesOf('a')).toEqual(new Set(['eth7']));
});
