import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { ndpProbe, ndpSolicitation, unsolicitedAdvertisement } from './announcement.ts';

const mac = 0x02420a000001 as Mac;
const owner = 0x02420a000002 as Mac;
const ip = 'fe80::1' as Ip;
const address = '2001:db8::12:3456' as Ip;

test('an announcement goes to all nodes, unsolicited and overriding, from the address, with our link-layer address', () => {
  expect(unsolicitedAdvertisement(mac, address)).toEqual({
    destination: 0x3333_0000_0001,
    source: mac,
    sourceIp: address,
    destinationIp: 'ff02::1',
    packet: {
      type: 'advertisement',
      target: address,
      isRouter: false,
      isSolicited: false,
      isOverride: true,
      options: [{ type: 2, value: Uint8Array.of(2, 0x42, 0x0a, 0, 0, 1) }],
    },
  });
});

test('a probe is a solicitation of nobody to the solicited-node group, without a link-layer address', () => {
  expect(ndpProbe(mac, address)).toEqual({
    destination: 0x3333_ff12_3456,
    source: mac,
    sourceIp: '::',
    destinationIp: 'ff02::1:ff12:3456',
    packet: { type: 'solicitation', target: address, options: [] },
  });
});

test('a question goes to the solicited-node group or to one host, with our link-layer address', () => {
  const options = [{ type: 1, value: Uint8Array.of(2, 0x42, 0x0a, 0, 0, 1) }];
  const question = { source: mac, sourceIp: ip, packet: { type: 'solicitation', target: address, options } };
  expect(ndpSolicitation({ mac, ip }, address, undefined)).toEqual({
    ...question,
    destination: 0x3333_ff12_3456,
    destinationIp: 'ff02::1:ff12:3456',
  });
  expect(ndpSolicitation({ mac, ip }, address, owner)).toEqual({
    ...question,
    destination: owner,
    destinationIp: address,
  });
});
