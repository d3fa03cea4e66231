import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resource } from '../../../test/support/custom-resources.ts';
import { byAge } from './order.ts';

const entry = (name: string) => ({
  ...resource(name, {}, { creationTimestamp: undefined }),
  origin: { namespace: 'metallb-system', name: 'config', uid: 'u', path: name },
});

test('objects come by age and then by name, those to be made after them, entries of the ConfigMap last', () => {
  const ordered = [
    resource('z', {}, { creationTimestamp: '2025-01-01T00:00:00Z' }),
    resource('a', {}),
    resource('b', {}),
    resource('c', {}, { creationTimestamp: undefined }),
    resource('d', {}, { creationTimestamp: undefined }),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray([...ordered, entry('b')], { minLength: 6 }), (objects) => {
      const names = objects.toSorted(byAge).map(({ metadata }) => metadata.name);
      expect(names).toEqual(['z', 'a', 'b', 'c', 'd', 'b']);
    }),
  );
  expect([entry('b'), entry('a')].toSorted(byAge).map(({ metadata }) => metadata.name)).toEqual(['b', 'a']);
});
