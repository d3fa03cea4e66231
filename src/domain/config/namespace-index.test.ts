import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LabelSelector, parseSelector } from '../selector.ts';
import { namespaceIndex } from './namespace-index.ts';

const key = fc.constantFrom('team', 'zone', 'x');
const value = fc.constantFrom('', 'a', 'b', 'c');
const namespaces = fc
  .array(fc.dictionary(key, value), { maxLength: 12 })
  .map((labels) => labels.map((each, index) => ({ name: `n${index}`, labels: each })));
const expression = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(value, { minLength: 1, maxLength: 3 }) }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: fc.dictionary(key, value, { maxKeys: 2 }), matchExpressions: fc.array(expression, { maxLength: 2 }) },
  { requiredKeys: [] },
);

test('the index finds the namespaces that looking at all of them finds, each once', () => {
  fc.assert(
    fc.property(namespaces, fc.array(selector, { maxLength: 4 }), (all, sources) => {
      const index = namespaceIndex(all);
      for (const source of sources) {
        const parsed = parseSelector(source);
        if (!parsed.ok) throw new Error(parsed.error);
        const expected = all.filter(({ labels }) => parsed.value(labels)).map(({ name }) => name);
        expect([...index.select({ source, matches: parsed.value })].sort()).toEqual(expected.sort());
      }
    }),
  );
});

test('the index is made once for the same views, whoever else asks in between', () => {
  const view = (name: string) => ({ name, labels: {} });
  const [a, b, other] = [view('a'), view('b'), view('a')];
  const index = namespaceIndex([a, b]);
  const indexOfOther = namespaceIndex([other]);
  expect(namespaceIndex([a, b])).toBe(index);
  expect(namespaceIndex([other])).toBe(indexOfOther);
  expect(namespaceIndex([a, view('b')])).not.toBe(index);
  expect(namespaceIndex([a])).not.toBe(index);
});
