import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseWithoutManagedFields } from './managed-fields.ts';

const entry = (fieldsV1: object) => ({ manager: 'kubectl', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1 });

const withFields = (managedFields: readonly object[]) =>
  JSON.stringify({
    type: 'ADDED',
    object: { metadata: { name: 'a', managedFields }, spec: { ports: [{ port: 80 }] } },
  });

const without = { type: 'ADDED', object: { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } } };

test('managed fields are left out, wherever they stand in the metadata', () => {
  const fields = entry({ 'f:spec': { 'f:ports': { '.': {}, 'k:{"port":80,"protocol":"TCP"}': {} } } });
  expect(parseWithoutManagedFields(withFields([fields, fields]))).toEqual(without);
  const custom = JSON.stringify({ metadata: { generation: 1, managedFields: [fields], name: 'a' }, spec: { a: [{}] } });
  expect(parseWithoutManagedFields(custom)).toEqual({ metadata: { generation: 1, name: 'a' }, spec: { a: [{}] } });
});

test('an object without managed fields stays whole', () => {
  expect(parseWithoutManagedFields(JSON.stringify(without))).toEqual(without);
  expect(parseWithoutManagedFields(withFields([]))).toMatchObject({ object: { metadata: { managedFields: [] } } });
});

test('a text that looks like managed fields is a text', () => {
  const object = { metadata: { name: 'a', annotations: { last: ',"managedFields":[{"a":1}]' } }, spec: [{}] };
  expect(parseWithoutManagedFields(JSON.stringify(object))).toEqual(object);
});

test('a text that looks like the end of managed fields does not cut the object in two', () => {
  const text = fc.string({ unit: fc.constantFrom('}', ']', '{', ',', '"', ':', 'a', '\\') });
  fc.assert(
    fc.property(text, text, (key, value) => {
      const fields = entry({ [`v:${key}}]${value}`]: {} });
      const { object } = parseWithoutManagedFields(withFields([fields])) as typeof without;
      expect(object.metadata.name).toBe('a');
      expect(object.spec).toEqual(without.object.spec);
    }),
  );
});

test('what is no JSON is refused', () => {
  expect(() => parseWithoutManagedFields('{"metadata":{"name":"a","managedFields":[{}]}')).toThrow(SyntaxError);
});
