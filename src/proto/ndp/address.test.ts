import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ip, ipFromNumber } from '../../lib/ip.ts';
import { Ipv6Table } from './address-table.ts';
import { ipv6At, ipv6Words, multicastMac, solicitedNodeGroup } from './address.ts';

const address = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ipFromNumber('IPv6', value));

const frameWith = (ip: Ip, at: number): DataView => {
  const frame = new DataView(new ArrayBuffer(at + 16));
  for (const [index, word] of ipv6Words(ip).entries()) frame.setUint32(at + 4 * index, word);
  return frame;
};

test('the solicited-node group has the low 24 bits of the address, its MAC the low 32 of the group', () => {
  // The example of RFC 4291 section 2.7.1.
  expect(solicitedNodeGroup('4037::1:800:200e:8c6c' as Ip)).toBe('ff02::1:ff0e:8c6c');
  expect(solicitedNodeGroup('2001:db8::7' as Ip)).toBe('ff02::1:ff00:7');
  expect(multicastMac('ff02::1:ff0e:8c6c' as Ip)).toBe(0x3333_ff0e_8c6c);
});

test('an address survives being put into a frame', () => {
  fc.assert(fc.property(address, fc.nat(9), (ip, at) => ipv6At(frameWith(ip, at), at) === ip));
});

test('a table finds what a map finds', () => {
  // Few enough words that addresses share some of them, the last one among them.
  const word = fc.constantFrom<bigint>(0n, 1n, 0xffff_ffffn, 0x8000_0000n);
  const near = fc.tuple(word, word, word, word).map((words) =>
    ipFromNumber(
      'IPv6',
      words.reduce((value, each) => (value << 32n) | each, 0n),
    ),
  );
  const change = fc.record({ ip: near, value: fc.option(fc.nat(), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), near, (changes, asked) => {
      const table = new Ipv6Table<number>();
      const map = new Map<Ip, number>();
      for (const { ip, value } of changes) {
        if (value === undefined) {
          table.delete(ip);
          map.delete(ip);
        } else {
          table.set(ip, value);
          map.set(ip, value);
        }
      }
      for (const ip of [asked, ...changes.map((each) => each.ip)])
        expect(table.find(frameWith(ip, 6), 6)).toBe(map.get(ip));
    }),
  );
});
