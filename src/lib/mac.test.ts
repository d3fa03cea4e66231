import { expect, test } from 'vitest';
import { broadcastMac, type Mac, formatMac, zeroMac } from './mac.ts';

test('a MAC is written in pairs of digits', () => {
  expect(formatMac(0x02_00_5e_10_00_01 as Mac)).toBe('02:00:5e:10:00:01');
  expect(formatMac(zeroMac)).toBe('00:00:00:00:00:00');
  expect(formatMac(broadcastMac)).toBe('ff:ff:ff:ff:ff:ff');
});
