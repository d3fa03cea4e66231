import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ListSplitter } from './list-splitter.ts';

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads a text in chunks of the sizes given, the rest in one; gives the items and what is around them. */
const split = (text: string, sizes: readonly number[] = []): { items: unknown[]; rest: unknown } => {
  const all = octets(text);
  const splitter = new ListSplitter();
  const items: string[] = [];
  let start = 0;
  for (const size of [...sizes, all.length]) {
    items.push(...splitter.push(all.subarray(start, start + size)));
    start += size;
  }
  return { items: items.map((item) => JSON.parse(item) as unknown), rest: JSON.parse(splitter.end()) as unknown };
};

test('items and the text around them', () => {
  const list =
    '{"kind":"ServiceList","metadata":{"resourceVersion":"9","continue":"x"},"items":[{"a":[1,{"b":2}]},{}],"more":[{"c":3}]}\n';
  expect(split(list)).toEqual({
    items: [{ a: [1, { b: 2 }] }, {}],
    rest: {
      kind: 'ServiceList',
      metadata: { resourceVersion: '9', continue: 'x' },
      items: [],
      more: [{ c: 3 }],
    },
  });
});

test.each(['{"items":[]}', '{"items":null}', '{"metadata":{}}', '{}'])('%s has no items', (list) => {
  expect(split(list)).toEqual({ items: [], rest: JSON.parse(list) as unknown });
});

test('blanks and line ends between the items do not matter', () => {
  expect(split('{\n "items" : [\n  {"a": 1} ,\n  {"a": 2}\n ]\n}\n').items).toEqual([{ a: 1 }, { a: 2 }]);
});

test('brackets, quotes and backslashes in texts are text', () => {
  const items = [{ a: '}]"items":[{' }, { 'b"': '\\' }, { c: '\\"' }, { d: '{"items":[' }];
  expect(split(JSON.stringify({ note: '"items":[', items })).items).toEqual(items);
});

test('a cut at any place changes nothing, inside an escape neither', () => {
  const items = [{ 'a\\"': '\\\\' }, { b: '"}],' }, { c: ['ä', '\\"'] }];
  const list = JSON.stringify({ metadata: {}, items });
  for (let cut = 1; cut < octets(list).length; cut++) expect(split(list, [cut]).items, `cut at ${cut}`).toEqual(items);
});

test('an array of another name holds no items', () => {
  expect(split('{"others":[{"a":1}],"items":[{"b":2}]}')).toEqual({
    items: [{ b: 2 }],
    rest: { others: [{ a: 1 }], items: [] },
  });
});

test('an item comes with the chunk that ends it', () => {
  const splitter = new ListSplitter();
  expect(splitter.push(octets('{"items":[{"a":'))).toEqual([]);
  expect(splitter.push(octets('1},{"a":2}'))).toEqual(['{"a":1}', '{"a":2}']);
  expect(splitter.push(octets(']}'))).toEqual([]);
  expect(splitter.end()).toBe('{"items":[]}');
});

test('what breaks off is no JSON', () => {
  const splitter = new ListSplitter();
  splitter.push(octets('{"metadata":{"continue":"x"},"items":[{"a":1},{"a":'));
  expect(() => JSON.parse(splitter.end()) as unknown).toThrow(SyntaxError);
});

test('however a list is cut, its items are the same', () => {
  const item = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
  const sizes = fc.array(fc.nat({ max: 12 }));
  fc.assert(
    fc.property(fc.array(item), fc.jsonValue(), sizes, (items, metadata, cuts) => {
      const list = JSON.stringify({ metadata, items });
      const wanted = JSON.parse(list) as { metadata: unknown; items: unknown[] };
      expect(split(list, cuts)).toEqual({ items: wanted.items, rest: { metadata: wanted.metadata, items: [] } });
    }),
  );
});
