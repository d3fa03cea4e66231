import { expect, test } from 'vitest';
import type { EndpointSliceView } from '../src/domain/objects.ts';
import { sliceIndex } from './slice-index.ts';

const slice = (key: string, serviceKey: string | undefined, usable = true): EndpointSliceView => ({
  key,
  resourceVersion: '1',
  serviceKey,
  endpoints: [{ nodeName: 'n1', usable, ready: usable }],
});

test('a service has the slices that name it, in their latest form', () => {
  const index = sliceIndex();
  const [a, b] = [slice('d/web-1', 'd/web'), slice('d/web-2', 'd/web')];
  expect(index.apply({ type: 'added', key: a.key, now: a })).toEqual(['d/web']);
  expect(index.apply({ type: 'added', key: b.key, now: b })).toEqual(['d/web']);
  const changed = slice('d/web-1', 'd/web', false);
  expect(index.apply({ type: 'updated', key: a.key, before: a, now: changed, changed: true })).toEqual(['d/web']);
  expect(new Set(index.of('d/web'))).toEqual(new Set([b, changed]));
  expect(index.apply({ type: 'deleted', key: b.key, before: b })).toEqual(['d/web']);
  expect(index.of('d/web')).toEqual([changed]);
  expect(index.of('d/other')).toEqual([]);
});

test('an update that changes nothing touches no service, and is followed', () => {
  const index = sliceIndex();
  const [a, same] = [slice('d/web-1', 'd/web'), slice('d/web-1', 'd/web')];
  index.apply({ type: 'added', key: a.key, now: a });
  expect(index.apply({ type: 'updated', key: a.key, before: a, now: same, changed: false })).toEqual([]);
  index.apply({ type: 'deleted', key: a.key, before: same });
  expect(index.of('d/web')).toEqual([]);
});

test('a slice that moves to another service touches both', () => {
  const index = sliceIndex();
  const [a, moved] = [slice('d/x', 'd/web'), slice('d/x', 'd/dns')];
  index.apply({ type: 'added', key: a.key, now: a });
  expect(index.apply({ type: 'updated', key: a.key, before: a, now: moved, changed: true })).toEqual([
    'd/web',
    'd/dns',
  ]);
  expect(index.of('d/web')).toEqual([]);
  expect(index.of('d/dns')).toEqual([moved]);
});

test('a slice without a service touches none', () => {
  const index = sliceIndex();
  const a = slice('d/x', undefined);
  expect(index.apply({ type: 'added', key: a.key, now: a })).toEqual([]);
});
