import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runBpf } from '../../../test/support/bpf-interpreter.ts';
import { type Ip, ipFromNumber } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { type Ipv6Words, ipv6Words } from '../ndp/address.ts';
import { encodeNdpFrame, ndpKeptLength } from '../ndp/packet.ts';
import type { BpfInstruction } from './assembler.ts';
import { ndpFilter, ndpFilters } from './ndp-filter.ts';

/** The index of an interface. */
const eth0 = 3;

const frame = (target: Ip, type: 'solicitation' | 'advertisement'): Uint8Array => {
  const packet = { target, options: [], isRouter: false, isSolicited: false, isOverride: true };
  return encodeNdpFrame({
    destination: 0x3333_0000_0001 as Mac,
    source: 0x02420a000002 as Mac,
    sourceIp: 'fe80::2' as Ip,
    destinationIp: 'ff02::1' as Ip,
    packet: { ...packet, type },
  });
};
const passes = (program: readonly BpfInstruction[], bytes: Uint8Array, packetType = 2): boolean =>
  runBpf(program, bytes, { packetType, interfaceIndex: eth0 }) > 0;
const template = { solicitation: frame('::' as Ip, 'solicitation'), advertisement: frame('::' as Ip, 'advertisement') };
const passesTarget = (
  program: readonly BpfInstruction[],
  target: Ipv6Words,
  type: 'solicitation' | 'advertisement' = 'solicitation',
): boolean => {
  const view = new DataView(template[type].buffer);
  for (let word = 0; word < 4; word++) view.setUint32(62 + 4 * word, target[word]!);
  return passes(program, template[type]);
};

const words = (value: bigint): Ipv6Words => ipv6Words(ipFromNumber('IPv6', value & ((1n << 128n) - 1n)));
const number = (address: Ipv6Words): bigint => address.reduce((value, word) => (value << 32n) | BigInt(word), 0n);
const pool = 0x2001_0db8_0000_0001n << 64n;
const highPool = 0xfd00_ffff_8000_0001n << 64n;
const dense = (count: number, base: bigint): Ipv6Words[] =>
  Array.from({ length: count }, (_, index) => words(base + BigInt(index)));
/** Numbers that look random and are the same in every run. */
const scattered = (count: number, base: bigint, step: bigint): Ipv6Words[] =>
  Array.from({ length: count }, (_, index) => words(base + ((BigInt(index) * step) & ((1n << 64n) - 1n))));

/** Addresses in and around a set, where a filter would go wrong: one bit or one step off in any word. */
const neighbours = (addresses: readonly Ipv6Words[]): Ipv6Words[] =>
  addresses.flatMap((address) => {
    const value = number(address);
    const flipped = [0n, 5n, 31n, 32n, 63n, 64n, 95n, 96n, 127n].map((bit) => words(value ^ (1n << bit)));
    return [address, words(value + 1n), words(value - 1n), ...flipped];
  });

const expectExact = (
  program: readonly BpfInstruction[],
  held: readonly Ipv6Words[],
  asked: readonly Ipv6Words[] = [],
): void => {
  const solicited = new Set(held.map(number));
  const advertised = new Set([...held, ...asked].map(number));
  for (const address of neighbours([...held, ...asked])) {
    const value = number(address);
    if (passesTarget(program, address) !== solicited.has(value)) expect.fail(`solicited ${address.join()}`);
    if (passesTarget(program, address, 'advertisement') !== advertised.has(value))
      expect.fail(`advertised ${address.join()}`);
  }
};

/** Sets as pools are made of them: some single addresses and some runs, in few networks or anywhere. */
const base = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  fc.bigInt({ min: 0n, max: 0xffffn }).map((low) => pool + low),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((low) => highPool + low),
);
const addressSet = fc
  .array(fc.tuple(base, fc.oneof(fc.constant(1), fc.nat(60))), { maxLength: 20 })
  .map((runs) => runs.flatMap(([start, count]) => dense(count, start)));

test('without addresses nothing passes', () => {
  expect(passesTarget(ndpFilter(eth0, []), words(7n))).toBe(false);
});

test('the filter is the set; of an address that is asked for only advertisements pass', () => {
  fc.assert(
    fc.property(addressSet, fc.oneof(fc.constant([]), addressSet), (held, asked) => {
      expectExact(ndpFilter(eth0, held, asked), held, asked);
    }),
    { numRuns: 60 },
  );
});

test('however small the limit, no address that is named is kept back, and the limit holds', () => {
  fc.assert(
    fc.property(addressSet, addressSet, fc.integer({ min: 20, max: 4096 }), (held, asked, limit) => {
      const program = ndpFilter(eth0, held, asked, limit);
      expect(program.length).toBeLessThanOrEqual(limit);
      for (const address of held) if (!passesTarget(program, address)) expect.fail(`${address.join()} with ${limit}`);
      for (const address of [...held, ...asked])
        if (!passesTarget(program, address, 'advertisement')) expect.fail(`${address.join()} with ${limit}`);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ['6,000 dense ones', dense(6000, pool), 800],
  ['6,000 in four networks', [0n, 1n, 2n, 3n].flatMap((n) => dense(1500, pool + (n << 64n))), 900],
  ['every third of 18,000', dense(6000, 0n).map((address) => words(highPool + 3n * number(address))), 4096],
  ['700 with random interface identifiers', scattered(700, pool, 0x9e37_79b9_7f4a_7c15n), 4096],
])('sets that fit exactly: %s', (_, addresses, limit) => {
  const program = ndpFilter(eth0, addresses);
  expect(program.length).toBeLessThanOrEqual(limit);
  expectExact(program, addresses);
});

test.each([
  ['2,500 with random interface identifiers', scattered(2500, pool, 0x9e37_79b9_7f4a_7c15n), 0.001],
  ['6,000 with random interface identifiers', scattered(6000, pool, 0x9e37_79b9_7f4a_7c15n), 0.5],
  ['6,000 scattered in a /108', scattered(6000, pool, 167n), 0.1],
])('%s: all pass, foreign ones rarely', (_, addresses, most) => {
  const program = ndpFilter(eth0, addresses);
  expect(program.length).toBeLessThanOrEqual(4096);
  for (const address of addresses) if (!passesTarget(program, address)) expect.fail(address.join());
  const strangers = scattered(5000, pool + (1n << 64n), 0x6a09_e667_f3bc_c909n);
  const passed = strangers.filter((address) => passesTarget(program, address)).length;
  expect(passed / strangers.length).toBeLessThan(most);
});

test('every filter of the series passes every address, each is half as long as the one before, the last passes all', () => {
  const addresses = scattered(3000, pool, 0x9e37_79b9_7f4a_7c15n);
  const asked = [words(0xfe80n << 112n)];
  const programs = [...ndpFilters(eth0, addresses, asked)];
  for (const [index, program] of programs.entries()) {
    expect(addresses.every((address) => passesTarget(program, address))).toBe(true);
    expect(passesTarget(program, asked[0]!, 'advertisement')).toBe(true);
    const before = programs[index - 1];
    if (before !== undefined && index < programs.length - 1)
      expect(program.length).toBeLessThanOrEqual(before.length / 2);
  }
  expect(passesTarget(programs.at(-1)!, words(8n))).toBe(true);
  expect(programs.at(-1)!.length).toBeLessThan(20);
});

const seven = '2001:db8::7' as Ip;
const forSeven = [...ndpFilters(eth0, [ipv6Words(seven)])];

test('only frames to this host, to everybody and to groups pass', () => {
  const types = [0, 1, 2, 3, 4];
  for (const program of forSeven) {
    const passed = types.map((type) => passes(program, frame(seven, 'solicitation'), type));
    expect(passed).toEqual([true, true, true, false, false]);
  }
});

test('a frame that came to another interface, such as a VLAN on this one, does not pass', () => {
  for (const program of forSeven) {
    const octets = frame(seven, 'solicitation');
    expect(runBpf(program, octets, { interfaceIndex: eth0 })).toBe(ndpKeptLength);
    expect(runBpf(program, octets, { interfaceIndex: eth0 + 1 })).toBe(0);
  }
});

test.each([
  ['an IPv4 packet', 12, 0x08, 0x00],
  ['a packet with extension headers', 20, 0x00, 0xff],
  ['UDP', 20, 0x11, 0xff],
  ['what has come through a router', 20, 0x3a, 0xfe],
  ['an echo request', 54, 0x80, 0x00],
  ['a router solicitation', 54, 0x85, 0x00],
  ['a redirect', 54, 0x89, 0x00],
  ['a message with a code', 54, 0x87, 0x01],
])('%s does not pass', (_, offset, high, low) => {
  const bytes = frame(seven, 'solicitation');
  bytes.set([high, low], offset);
  for (const program of forSeven) expect(passes(program, bytes)).toBe(false);
});

test('no frame that ends before its target does pass', () => {
  const program = ndpFilter(eth0, [ipv6Words(seven)]);
  for (let n = 0; n < 78; n++) expect(passes(program, frame(seven, 'solicitation').subarray(0, n)), `${n}`).toBe(false);
});
