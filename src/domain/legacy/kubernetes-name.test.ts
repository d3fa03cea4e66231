import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kubernetesName } from './kubernetes-name.ts';

test.each([
  ['default', 'default'],
  ['my-pool-2', 'my-pool-2'],
  ['a', 'a'],
  ['My_Pool', 'my-pool'],
  ['10-pool', 'pool'],
  ['v4.pool', 'v4.pool'],
  ['with blanks', 'with-blanks'],
  ['pool-', 'pool'],
  ['a_._b', 'a.b'],
  ['Bürgeramt', 'b-rgeramt'],
  ['x'.repeat(70), 'x'.repeat(63)],
])('%s becomes %s', (text, name) => {
  expect(kubernetesName(text)).toEqual({ ok: true, value: name });
});

test.each(['', '123', '-_-', '1'.repeat(63) + 'a'])('%j has no letter to begin with', (text) => {
  expect(kubernetesName(text).ok).toBe(false);
});

test('every name is one that an object may have, and stays as it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', '.', ' ') })),
      (text) => {
        const name = kubernetesName(text);
        if (!name.ok) return;
        expect(name.value).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
        expect(name.value.length).toBeLessThanOrEqual(63);
        expect(kubernetesName(name.value)).toEqual(name);
      },
    ),
  );
});
