import { expect, test } from 'vitest';
import { broadcastMac, type Mac } from '../../lib/mac.ts';
import { arpProbe, arpRequest, gratuitousArp } from './announcement.ts';
import { encodeArpFrame } from './packet.ts';

const ours = 0x02420a000001 as Mac;
const owner = 0x02420a000002 as Mac;

test('an announcement is a request without and a reply with the target hardware address', () => {
  expect(gratuitousArp(ours, 0xc6120107).map((frame) => encodeArpFrame(frame).toHex())).toEqual([
    'ffffffffffff02420a0000010806' + '0001080006040001' + '02420a000001c6120107' + '000000000000c6120107',
    'ffffffffffff02420a0000010806' + '0001080006040002' + '02420a000001c6120107' + '02420a000001c6120107',
  ]);
});

test('a probe asks everybody and names no sender address, so that nobody learns from it', () => {
  expect(encodeArpFrame(arpProbe(ours, 0xc6120107)).toHex()).toBe(
    'ffffffffffff02420a0000010806' + '0001080006040001' + '02420a00000100000000' + '000000000000c6120107',
  );
});

test('a request goes to everybody or to one host, from an address of its sender', () => {
  expect(encodeArpFrame(arpRequest(ours, 0x0a000001, 0x0a000002, broadcastMac)).toHex()).toBe(
    'ffffffffffff02420a0000010806' + '0001080006040001' + '02420a0000010a000001' + '0000000000000a000002',
  );
  expect(encodeArpFrame(arpRequest(ours, 0x0a000001, 0x0a000002, owner)).toHex()).toBe(
    '02420a00000202420a0000010806' + '0001080006040001' + '02420a0000010a000001' + '0000000000000a000002',
  );
});
