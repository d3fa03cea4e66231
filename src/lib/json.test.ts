import { expect, test } from 'vitest';
import { filled, isObject, list, object, stringMap, text } from './json.ts';

const others = [null, undefined, 7, true, 'text', [], {}];

test('only objects are objects', () => {
  expect(others.filter(isObject)).toEqual([{}]);
  expect(others.map(object)).toEqual(others.map(() => ({})));
  expect(object({ a: 1 })).toEqual({ a: 1 });
});

test('what is no array is an empty one', () => {
  expect(others.flatMap(list)).toEqual([]);
  expect(list([1, 'a'])).toEqual([1, 'a']);
});

test('only texts are texts, and the empty one is not filled', () => {
  expect(others.map(text).filter((each) => each !== undefined)).toEqual(['text']);
  expect([text(''), filled(''), filled('a'), filled(7)]).toEqual(['', undefined, 'a', undefined]);
});

test('a map has the texts whose keys are wanted', () => {
  const map = { a: 'A', b: '', c: 7, d: null };
  expect(stringMap(map)).toEqual({ a: 'A', b: '' });
  expect(stringMap(map, (key) => key === 'b')).toEqual({ b: '' });
  expect(others.map((each) => stringMap(each))).toEqual(others.map(() => ({})));
});

test('maps without texts share one object', () => {
  expect(stringMap({ c: 7 })).toBe(stringMap(undefined));
});
