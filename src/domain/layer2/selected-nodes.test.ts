import { expect, test } from 'vitest';
import { l2Advertisement } from '../../../test/support/builders.ts';
import type { StringMap } from '../objects.ts';
import type { Selector } from '../selector.ts';
import { createSelectedNodes } from './selected-nodes.ts';

let asked = 0;
const has =
  (label: string): Selector =>
  (labels) => {
    asked++;
    return Object.hasOwn(labels, label);
  };
const rig = () => {
  asked = 0;
  const labels = new Map<string, StringMap>([
    ['a', { rack: '', fast: '' }],
    ['b', { row: '' }],
  ]);
  return { labels, ...createSelectedNodes((node) => labels.get(node)) };
};
const plain = l2Advertisement('plain');
const inRack = l2Advertisement('rack', { text: 'rack', nodeSelectors: [has('rack'), has('row')] });
const fast = l2Advertisement('fast', {
  text: 'fast',
  preferences: [
    { weight: 5, selector: has('fast') },
    { weight: 2, selector: has('rack') },
  ],
});

test('one selector has to match, none means every node, and selectors do not see nodes that are not known', () => {
  const { covers } = rig();
  expect(['a', 'b', 'c'].map((node) => covers(inRack, node))).toEqual([true, true, false]);
  expect(covers(plain, 'c')).toBe(true);
});

test('weights are added up', () => {
  const { score } = rig();
  expect(['a', 'b', 'c'].map((node) => score(fast, node))).toEqual([7, 0, 0]);
  expect(score(plain, 'a')).toBe(0);
});

test('nothing is asked twice until the node changes, and then only what was asked of it', () => {
  const { covers, labels, nodeChanged } = rig();
  covers(inRack, 'a');
  const before = asked;
  covers(inRack, 'a');
  expect(asked).toBe(before);
  expect(nodeChanged('b')).toEqual(new Set());
  expect(asked).toBe(before);
  labels.set('a', { rack: '', other: '' });
  expect(nodeChanged('a')).toEqual(new Set());
  labels.delete('a');
  expect(nodeChanged('a')).toEqual(new Set(['rack']));
  expect(covers(inRack, 'a')).toBe(false);
});

test('what is kept is known still, the rest is asked again', () => {
  const { covers, score, keep, labels, nodeChanged } = rig();
  covers(inRack, 'a');
  score(fast, 'a');
  keep(new Set(['rack']));
  labels.set('a', {});
  expect(nodeChanged('a')).toEqual(new Set(['rack']));
});
