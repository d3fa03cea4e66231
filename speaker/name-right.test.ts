import { expect, test } from 'vitest';
import type { Ip } from '../src/lib/ip.ts';
import { isNameOfAnother } from './name-right.ts';

const own = '192.0.2.1' as Ip;
const other = '192.0.2.2' as Ip;

test.each([
  ['the Node object has our address', { addresses: [other, own] }, false],
  ['the Node object has another one', { addresses: [other] }, true],
  ['the Node object has none', { addresses: [] }, false],
  ['there is no Node object', undefined, false],
] as const)('when %s', (_, node, isOfAnother) => {
  expect(isNameOfAnother(node, own)).toBe(isOfAnother);
});
