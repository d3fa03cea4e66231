import { expect, test } from 'vitest';
import { labelValue } from './label-value.ts';

test('a name that is too long for a label is cut, and still its own', () => {
  expect(labelValue('n1')).toBe('n1');
  const long = 'n'.repeat(200);
  expect(labelValue(long)).toMatch(/^n{46}-[0-9a-f]{16}$/);
  expect(labelValue(`${long}a`)).not.toBe(labelValue(`${long}b`));
});
