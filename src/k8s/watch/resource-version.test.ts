import { expect, test } from 'vitest';
import { isOlderVersion } from './resource-version.ts';

test.each([
  ['9', '10', true],
  ['10', '9', false],
  ['99', '100', true],
  ['12345678901234567890', '12345678901234567891', true],
  ['10', '10', false],
  ['a', '10', false],
  ['10', '', false],
])('version %s is older than %s: %s', (a, b, expected) => {
  expect(isOlderVersion(a, b)).toBe(expected);
});
