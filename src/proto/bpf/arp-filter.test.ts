import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runBpf } from '../../../test/support/bpf-interpreter.ts';
import type { Mac } from '../../lib/mac.ts';
import { encodeArpFrame } from '../arp/packet.ts';
import { arpFilter, arpFilters } from './arp-filter.ts';
import { type BpfInstruction } from './assembler.ts';

/** The index of an interface. */
const eth0 = 3;

const frame = (senderIp: number, targetIp: number, operation = 1): Uint8Array =>
  encodeArpFrame({
    destination: 0xffff_ffff_ffff as Mac,
    source: 0x02420a000002 as Mac,
    packet: { operation, senderMac: 0x02420a000002 as Mac, senderIp, targetMac: 0 as Mac, targetIp },
  });
const passes = (program: readonly BpfInstruction[], bytes: Uint8Array, packetType?: number): boolean =>
  runBpf(program, bytes, { packetType, interfaceIndex: eth0 }) > 0;
const foreign = 0x01020304;
const passesTarget = (program: readonly BpfInstruction[], address: number): boolean =>
  passes(program, frame(foreign, address));
const passesSender = (program: readonly BpfInstruction[], address: number): boolean =>
  passes(program, frame(address, foreign, 2));

/** Numbers that look random and are the same in every run. */
const scattered = (count: number, range: number, base = 0): number[] => {
  const numbers = new Set<number>();
  for (let seed = 1; numbers.size < count; seed = (seed * 48_271) % 2_147_483_647) numbers.add(base + (seed % range));
  return [...numbers];
};
const dense = (count: number, base: number): number[] => Array.from({ length: count }, (_, index) => base + index);

/** Addresses in and around a set, where a filter would go wrong. */
const probes = (addresses: readonly number[]): number[] =>
  addresses.flatMap((address) =>
    [address, address - 1, address + 1, address ^ 32, address ^ 0x8000_0000].map((n) => n >>> 0),
  );

const expectExact = (program: readonly BpfInstruction[], addresses: readonly number[]): void => {
  const set = new Set(addresses);
  for (const address of probes(addresses)) {
    if (passesTarget(program, address) !== set.has(address)) expect.fail(`target ${address}`);
    if (passesSender(program, address) !== set.has(address)) expect.fail(`sender ${address}`);
  }
};

/** Sets as pools are made of them: some single addresses, some runs, anywhere. */
const addressSet = fc
  .array(fc.tuple(fc.nat(0xffff_ffff), fc.oneof(fc.constant(1), fc.nat(300))), { maxLength: 40 })
  .map((runs) => runs.flatMap(([base, count]) => dense(count, base).filter((n) => n <= 0xffff_ffff)))
  .map((addresses) => addresses.filter((address) => address !== foreign));

test('without addresses nothing passes', () => {
  expect(passesTarget(arpFilter(eth0, []), 7)).toBe(false);
});

test('the filter is the set', () => {
  fc.assert(fc.property(addressSet, (addresses) => expectExact(arpFilter(eth0, addresses), addresses)));
});

test('however small the limit, no address of ours is kept back, and the limit holds', () => {
  fc.assert(
    fc.property(addressSet, fc.integer({ min: 16, max: 4096 }), (addresses, limit) => {
      const program = arpFilter(eth0, addresses, [], limit);
      expect(program.length).toBeLessThanOrEqual(limit);
      for (const address of addresses) {
        if (!passesTarget(program, address) || !passesSender(program, address)) expect.fail(`${address} with ${limit}`);
      }
    }),
  );
});

test('of an address that is asked for only what it says itself passes', () => {
  fc.assert(
    fc.property(addressSet, addressSet, (held, asked) => {
      const program = arpFilter(eth0, held, asked);
      const targets = new Set(held);
      const senders = new Set([...held, ...asked]);
      for (const address of probes([...held, ...asked])) {
        if (passesTarget(program, address) !== targets.has(address)) expect.fail(`target ${address}`);
        if (passesSender(program, address) !== senders.has(address)) expect.fail(`sender ${address}`);
      }
    }),
    { numRuns: 30 },
  );
  expect([passesTarget(arpFilter(eth0, [], [7]), 7), passesSender(arpFilter(eth0, [], [7]), 7)]).toEqual([false, true]);
});

test.each([
  ['dense ones', dense(6000, 0xc0a80041), 2000],
  ['every third of 18,000', dense(6000, 0).map((n) => 0xac10_0000 + 3 * n), 4096],
  ['1,600 anywhere', scattered(1600, 0x7fff_ffff), 4096],
])('6,000 or fewer addresses fit exactly: %s', (_, addresses, limit) => {
  const program = arpFilter(eth0, addresses);
  expect(program.length).toBeLessThanOrEqual(limit);
  expectExact(program, addresses);
});

test.each([
  ['in a /16', scattered(6000, 65_536, 0xc612_0000), 0.05],
  ['in a /8', scattered(6000, 16_777_216, 0x0a00_0000), 0.05],
  ['anywhere', scattered(6000, 0x7fff_ffff), 0.6],
])('6,000 addresses scattered %s: all pass, foreign ones rarely', (_, addresses, most) => {
  const program = arpFilter(eth0, addresses);
  expect(program.length).toBeLessThanOrEqual(4096);
  for (const address of addresses)
    expect([passesTarget(program, address), passesSender(program, address)]).toEqual([true, true]);
  const set = new Set(addresses);
  const strangers = scattered(20_000, 0x7fff_ffff).filter((address) => !set.has(address));
  const passed = strangers.filter((address, index) => passes(program, frame(strangers.at(-index)!, address))).length;
  expect(passed / strangers.length).toBeLessThan(most);
});

test('every filter of the series passes every address, each is half as long as the one before, the last passes all ARP', () => {
  const addresses = scattered(6000, 65_536, 0xc612_0000);
  const programs = [...arpFilters(eth0, addresses)];
  for (const [index, program] of programs.entries()) {
    expect(addresses.every((address) => passesTarget(program, address) && passesSender(program, address))).toBe(true);
    const before = programs[index - 1];
    if (before !== undefined && index < programs.length - 1)
      expect(program.length).toBeLessThanOrEqual(before.length / 2);
  }
  expect(passesTarget(programs.at(-1)!, 0x08080808)).toBe(true);
  expect(programs.at(-1)!.length).toBeLessThan(16);
});

test('only frames to this host and to everybody pass', () => {
  const program = arpFilter(eth0, [7]);
  expect([0, 1, 2, 3, 4].map((packetType) => passes(program, frame(1, 7), packetType))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a frame that came to another interface, such as a VLAN on this one, does not pass', () => {
  for (const program of arpFilters(eth0, [7])) {
    expect(runBpf(program, frame(1, 7), { interfaceIndex: eth0 })).toBe(42);
    expect(runBpf(program, frame(1, 7), { interfaceIndex: eth0 + 1 })).toBe(0);
  }
});

test.each([
  ['an IPv4 packet', 12, 0x08, 0x00],
  ['another hardware type', 14, 0x00, 0x06],
  ['another protocol type', 16, 0x86, 0xdd],
  ['other lengths', 18, 0x06, 0x10],
])('%s does not pass', (_, offset, high, low) => {
  const bytes = frame(1, 7);
  bytes.set([high, low], offset);
  for (const program of arpFilters(eth0, [7])) expect(passes(program, bytes)).toBe(false);
});

test('no truncated frame passes', () => {
  const program = arpFilter(eth0, [7]);
  for (let n = 0; n < 42; n++) expect(passes(program, frame(1, 7).subarray(0, n)), `${n} octets`).toBe(false);
});
