import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSameView, Mirror, type Change } from './mirror.ts';

type View = { readonly resourceVersion: string; readonly value: number };
const view = (value: number, resourceVersion = '1'): View => ({ resourceVersion, value });

test('an object is added, updated and deleted', () => {
  const mirror = new Mirror<View>();
  expect(mirror.put('a', view(1))).toEqual({ type: 'added', key: 'a', now: view(1) });
  expect(mirror.put('a', view(2))).toEqual({
    type: 'updated',
    key: 'a',
    before: view(1),
    now: view(2),
    changed: true,
  });
  expect(mirror.remove('a')).toEqual({ type: 'deleted', key: 'a', before: view(2) });
  expect(mirror.remove('a')).toBeUndefined();
});

test('a new version of an equal view is kept, and said to change nothing', () => {
  const mirror = new Mirror<View>();
  mirror.put('a', view(1, '1'));
  expect(mirror.put('a', view(1, '2'))).toMatchObject({ type: 'updated', changed: false });
  expect(mirror.get('a')).toEqual(view(1, '2'));
});

test('an object that is no longer wanted goes', () => {
  const mirror = new Mirror<View>();
  expect(mirror.put('a', undefined)).toBeUndefined();
  mirror.put('a', view(1));
  expect(mirror.put('a', undefined)).toEqual({ type: 'deleted', key: 'a', before: view(1) });
});

test('after a list, what it did not have is deleted', () => {
  const mirror = new Mirror<View>();
  for (const key of ['a', 'b', 'c']) mirror.put(key, view(1));
  expect(mirror.removeOthers(new Set(['b', 'd'])).map((change) => [change.type, change.key])).toEqual([
    ['deleted', 'a'],
    ['deleted', 'c'],
  ]);
  expect(mirror.size).toBe(1);
});

test('whoever follows the changes has the same objects', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ put: key, value: fc.nat({ max: 3 }) }),
    fc.record({ remove: key }),
    fc.record({ list: fc.uniqueArray(key) }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const mirror = new Mirror<View>();
      const follower = new Map<string, View>();
      const follow = (change: Change<View> | undefined): void => {
        if (change === undefined) return;
        expect(follower.has(change.key)).toBe(change.type !== 'added');
        if (change.type === 'deleted') follower.delete(change.key);
        else follower.set(change.key, change.now);
      };
      for (const step of steps) {
        if ('put' in step) follow(mirror.put(step.put, view(step.value)));
        else if ('remove' in step) follow(mirror.remove(step.remove));
        else {
          for (const listed of step.list) follow(mirror.put(listed, view(0)));
          for (const change of mirror.removeOthers(new Set(step.list))) follow(change);
        }
      }
      expect([...mirror.values()]).toEqual([...follower.values()]);
    }),
  );
});

test('views are equal if all fields but the version are', () => {
  expect(isSameView({ resourceVersion: '1', a: [{ b: 1 }] }, { resourceVersion: '2', a: [{ b: 1 }] })).toBe(true);
  expect(isSameView({ a: { resourceVersion: '1' } }, { a: { resourceVersion: '2' } })).toBe(false);
  expect(isSameView({ a: 1 }, { a: 1, b: undefined })).toBe(false);
  expect(isSameView({ a: undefined }, { b: undefined })).toBe(false);
  expect(isSameView({ a: [] }, { a: {} })).toBe(false);
  expect(isSameView({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
  expect(isSameView({ a: null }, { a: {} })).toBe(false);
});

test('equality of views is that of their JSON', () => {
  const json = fc.jsonValue();
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(isSameView({ a }, { a: structuredClone(a) })).toBe(true);
      if (isSameView({ a }, { a: b })) expect(a).toEqual(b);
    }),
  );
});
