import { expect, test } from 'vitest';
import type { L2StatusView } from '../domain/service/announced.ts';
import { l2StatusIndex } from './l2-status-index.ts';

const view = (name: string, service: string): L2StatusView => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: '1',
  service,
  writer: 'n1',
  owners: [],
  node: 'n1',
  interfaces: undefined,
  condition: undefined,
});

test('what is said is found by its service, until the object goes', () => {
  const index = l2StatusIndex();
  const [a, b] = [view('a', 'default/web'), view('b', 'default/web')];
  expect(index.apply({ type: 'added', key: 'm/a', now: a })).toEqual(['default/web']);
  expect(index.apply({ type: 'added', key: 'm/b', now: b })).toEqual(['default/web']);
  expect([...index.of('default/web')]).toEqual([a, b]);
  expect([...index.of('default/mail')]).toEqual([]);
  expect(index.apply({ type: 'deleted', key: 'm/a', before: a })).toEqual(['default/web']);
  expect([...index.of('default/web')]).toEqual([b]);
});

test('an object that comes to speak of another service touches both, one that says the same touches none', () => {
  const index = l2StatusIndex();
  const [before, now] = [view('a', 'default/web'), view('a', 'default/mail')];
  index.apply({ type: 'added', key: 'm/a', now: before });
  expect(index.apply({ type: 'updated', key: 'm/a', before, now, changed: true })).toEqual([
    'default/web',
    'default/mail',
  ]);
  const newer = { ...now, resourceVersion: '2' };
  expect(index.apply({ type: 'updated', key: 'm/a', before: now, now: newer, changed: false })).toEqual([]);
  expect([...index.of('default/web')]).toEqual([]);
  expect([...index.of('default/mail')]).toEqual([newer]);
  expect([...index.services()]).toEqual(['default/mail']);
});
