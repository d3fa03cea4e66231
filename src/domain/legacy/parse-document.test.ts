import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLegacyDocument } from './parse-document.ts';

test('scalars are the text that stands there, but for null', () => {
  const text = 'a: 0123\nb: yes\nc: 1234:1\nd:\ne: ~\nf: "null"\ng: !!int 5\n';
  const value = { a: '0123', b: 'yes', c: '1234:1', d: null, e: null, f: 'null', g: '5' };
  expect(parseLegacyDocument(text)).toEqual({ ok: true, value });
});

test('anchors and merge keys are followed', () => {
  expect(parseLegacyDocument('a: &x {k: v}\nb: *x\nc: {<<: *x, l: w}\n')).toEqual({
    ok: true,
    value: { a: { k: 'v' }, b: { k: 'v' }, c: { k: 'v', l: 'w' } },
  });
});

test.each([
  ['a: 1\na: 2', 'Map keys must be unique at line 2, column 1'],
  ['a: [1', 'must be sufficiently indented and end with a ] at line 1, column 6'],
  ['\ta: b', 'Tabs are not allowed as indentation at line 1, column 1'],
  ['a: *b', 'Unresolved alias'],
  ['a: 1\n---\nb: 1', 'there is more than one document in it'],
  ['['.repeat(100_000), 'stack'],
  [`a: ${'b'.repeat(256 * 1024)}`, 'it is longer than 256 KiB'],
])('what is wrong with %.20j is said in one line', (text, message) => {
  const parsed = parseLegacyDocument(text);
  const error = parsed.ok ? '' : parsed.error;
  expect(error).toMatch(/^could not parse config: /);
  expect(error).toContain(message);
  expect(error).not.toContain('\n');
});

test('aliases that multiply are refused before they fill the memory', () => {
  const levels = Array.from({ length: 8 }, (_, index) => {
    return `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]`;
  });
  const parsed = parseLegacyDocument(['a0: &a0 [x]', ...levels].join('\n'));
  expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining('alias') as unknown });
});

test('whatever comes, it does not throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseLegacyDocument(text)));
});
