import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Mac } from '../../src/lib/mac.ts';
import { frameAddress, macOfFrameAddress } from './frame-address.ts';

test('a MAC makes the address that a kernel without privacy extensions would choose', () => {
  expect(frameAddress(0x02420a000001 as Mac)).toBe('fe80::42:aff:fe00:1');
  expect(frameAddress(0x525400123456 as Mac)).toBe('fe80::5054:ff:fe12:3456');
});

test('every MAC comes back from its address', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff_ffff }), (mac) => {
      expect(macOfFrameAddress(frameAddress(mac as Mac))).toBe(mac);
    }),
  );
});
