import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a line comes when its end has come', () => {
  const lines = new LineSplitter();
  expect(lines.push(octets('{"a":'))).toEqual([]);
  expect(lines.push(octets('1}\n{"b":2}\n{"c"'))).toEqual(['{"a":1}', '{"b":2}']);
  expect(lines.push(octets(':3}\n'))).toEqual(['{"c":3}']);
});

test('a chunk may end inside a character', () => {
  const lines = new LineSplitter();
  const [first, second] = [octets('"ä€😀"\n').subarray(0, 7), octets('"ä€😀"\n').subarray(7)];
  expect(lines.push(first)).toEqual([]);
  expect(lines.push(second)).toEqual(['"ä€😀"']);
});

test('a chunk that is a part of a larger buffer is read alone', () => {
  const lines = new LineSplitter();
  expect(lines.push(octets('xxxone\ntwo\nyyy').subarray(3, 11))).toEqual(['one', 'two']);
});

test('empty lines are left out', () => {
  expect(new LineSplitter().push(octets('\n\na\n\n'))).toEqual(['a']);
});

test('a line of 1 MiB in pieces of 1,000 octets arrives whole', () => {
  const lines = new LineSplitter();
  const long = octets(`${'x'.repeat(1_048_576)}\n`);
  const got: string[] = [];
  for (let start = 0; start < long.length; start += 1000) got.push(...lines.push(long.subarray(start, start + 1000)));
  expect(got.map((line) => line.length)).toEqual([1_048_576]);
});

test('however a text is cut, its lines are the same', () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll('\n', ' '));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 20 })), (wanted, sizes) => {
      const all = octets(wanted.map((text) => `${text}\n`).join(''));
      const lines = new LineSplitter();
      const got: string[] = [];
      let start = 0;
      for (const size of [...sizes, all.length]) {
        got.push(...lines.push(all.subarray(start, start + size)));
        start += size;
      }
      expect(got).toEqual(wanted.map((text) => new TextDecoder().decode(octets(text))));
    }),
  );
});
