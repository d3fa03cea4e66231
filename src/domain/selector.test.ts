import { expect, test } from 'vitest';
import { canonicalSelector, type LabelSelector, parseSelector } from './selector.ts';

const matches = (selector: LabelSelector, labels: Record<string, string>): boolean => {
  const parsed = parseSelector(selector);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value(labels);
};

const expression = (operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key: 'zone', operator, values }],
});

test('the empty selector matches everything', () => {
  expect(matches({}, {})).toBe(true);
  expect(matches({ matchLabels: {}, matchExpressions: [] }, { a: 'b' })).toBe(true);
});

test.each<[string, LabelSelector, { a: boolean; b: boolean; none: boolean }]>([
  ['matchLabels', { matchLabels: { zone: 'a' } }, { a: true, b: false, none: false }],
  ['In', expression('In', 'a', 'c'), { a: true, b: false, none: false }],
  ['NotIn', expression('NotIn', 'a', 'c'), { a: false, b: true, none: true }],
  ['Exists', expression('Exists'), { a: true, b: true, none: false }],
  ['DoesNotExist', expression('DoesNotExist'), { a: false, b: false, none: true }],
])('%s matches what it says', (_, selector, expected) => {
  expect({
    a: matches(selector, { zone: 'a' }),
    b: matches(selector, { zone: 'b' }),
    none: matches(selector, { other: 'a' }),
  }).toEqual(expected);
});

test('all conditions of a selector must hold', () => {
  const selector = { matchLabels: { tier: 'web' }, matchExpressions: [{ key: 'zone', operator: 'Exists' }] };
  expect(matches(selector, { tier: 'web', zone: 'a' })).toBe(true);
  expect(matches(selector, { tier: 'web' })).toBe(false);
  expect(matches(selector, { zone: 'a' })).toBe(false);
});

test('what every JavaScript object inherits is not a label', () => {
  const exists = { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] };
  expect(matches(exists, {})).toBe(false);
  expect(matches(exists, { constructor: 'x' })).toBe(true);
});

test.each<[LabelSelector, string]>([
  [expression('in', 'a'), '"in" is not a valid label selector operator'],
  [expression('In'), 'values of "zone" must not be empty for the operator In'],
  [
    { matchExpressions: [{ key: 'zone', operator: 'NotIn' }] },
    'values of "zone" must not be empty for the operator NotIn',
  ],
  [expression('Exists', 'a'), 'values of "zone" must be empty for the operator Exists'],
  [expression('DoesNotExist', 'a'), 'values of "zone" must be empty for the operator DoesNotExist'],
  [{ matchLabels: { 'a b': 'x' } }, '"a b" is not a valid label key'],
  [{ matchLabels: { '': 'x' } }, '"" is not a valid label key'],
  [{ matchLabels: { 'Example.com/a': 'x' } }, '"Example.com/a" is not a valid label key'],
  [{ matchLabels: { ['k'.repeat(64)]: 'x' } }, `"${'k'.repeat(64)}" is not a valid label key`],
  [{ matchExpressions: [{ key: '/a', operator: 'DoesNotExist' }] }, '"/a" is not a valid label key'],
  [{ matchLabels: { zone: 'a b' } }, '"a b" is not a valid value of the label "zone"'],
  [expression('NotIn', 'a', '-b'), '"-b" is not a valid value of the label "zone"'],
])('%j is refused', (selector, error) => expect(parseSelector(selector)).toEqual({ ok: false, error }));

test.each(['a', 'A.b_c-1', 'example.com/a', 'a-b.example.com/A', 'k'.repeat(63)])('%s is a label key', (key) =>
  expect(parseSelector({ matchLabels: { [key]: '' } }).ok).toBe(true),
);

test('the order of labels and of values makes no difference to what a selector says', () => {
  const a = { matchLabels: { x: '1', y: '2' }, ...expression('In', 'a', 'b') };
  const b = { matchLabels: { y: '2', x: '1' }, ...expression('In', 'b', 'a') };
  expect(canonicalSelector(a)).toBe(canonicalSelector(b));
  expect(canonicalSelector(a)).not.toBe(canonicalSelector({ ...b, ...expression('NotIn', 'b', 'a') }));
  expect(canonicalSelector({})).toBe(canonicalSelector({ matchLabels: {}, matchExpressions: [] }));
});
