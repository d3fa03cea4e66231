/**
 * Hosts that are not ours but answer for our addresses, speakers of the original, and clusters without a key. A failure
 * names its seed, as in the other simulations.
 */
import { expect, test } from 'vitest';
import type { Ip } from '../../../src/lib/ip.ts';
import { hashRank } from '../../../src/lib/hash-rank.ts';
import { seedsToPlay } from '../random.ts';
import type { Cluster } from './cluster.ts';
import { plugForeignHost } from './foreign-host.ts';
import { play, type Rig } from './rig.ts';

type Conflict = Extract<Rig['told'][number]['report'], { readonly type: 'conflict' }>;

const conflicts = (rig: Pick<Cluster, 'told'>, since: number): readonly (Conflict & { readonly at: number })[] =>
  rig.told.flatMap(({ at, report }) => (at >= since && report.type === 'conflict' ? [{ ...report, at }] : []));

const key = '198.18.5.5' as Ip;

const putService = (rig: Rig): void => {
  rig.putService({ key, addresses: [{ ip: key, interfaces: undefined }], nodes: rig.names });
  rig.time.advance(1000);
};

test.each([
  { name: 'a foreign host has the address', ips: [key] },
  { name: 'a router does proxy ARP', ips: 'all' },
] as const)(
  '$name: it is not announced, which is said within 1 s; and tried again until the host is gone',
  ({ ips }) => {
    for (const seed of seedsToPlay(4)) {
      play(seed, { size: 3, addresses: 4 }, (rig) => {
        const host = plugForeignHost(rig, ips);
        const since = rig.time.now();
        putService(rig);
        const [said] = conflicts(rig, since);
        expect(said).toMatchObject({ key, ip: key, mac: host.port.mac, isDefended: false });
        expect(said!.at - since).toBeLessThanOrEqual(1000);
        expect(rig.witness.answering(rig.client, key)).toEqual([]);
        rig.time.advance(60_000);
        expect(rig.witness.answering(rig.client, key)).toEqual([]);
        // Looked for again after 10, 20 and 40 s, by one node.
        expect(host.probed(since).length).toBeGreaterThanOrEqual(3);
        expect(host.probed(since).length).toBeLessThanOrEqual(20);
        host.leave();
        rig.witness.expect(key);
        rig.time.advance(310_000);
        rig.expectRest();
        expect(conflicts(rig, since).at(-1)).toMatchObject({ mac: undefined });
      });
    }
  },
);

test('without probes the address is announced although a foreign host has it', () => {
  play(1, { size: 3, addresses: 4, isProbing: false }, (rig) => {
    plugForeignHost(rig, [key]);
    putService(rig);
    expect(rig.witness.answering(rig.client, key)).toEqual([rig.owner(key)]);
  });
});

test('a foreign host takes an address that is owned: it is defended, at most every 10 s, and reported within 1 s', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 4 }, (rig) => {
      const [ip] = rig.keys;
      const owner = rig.owner(ip!);
      // Announcements after a start are no defence.
      rig.time.advance(10_000);
      const host = plugForeignHost(rig, [ip!]);
      const since = rig.time.now();
      for (let second = 0; second < 60; second++) {
        host.announce(ip!);
        rig.time.advance(1000);
      }
      const [said] = conflicts(rig, since);
      expect(said).toMatchObject({ key: ip, ip, mac: host.port.mac, isDefended: true });
      expect(said!.at - since).toBeLessThanOrEqual(1000);
      expect(rig.owner(ip!)).toBe(owner);
      const heard = host.claimed(since).filter((claim) => claim.ip === ip);
      expect(heard.length).toBeGreaterThanOrEqual(5);
      expect(heard.length).toBeLessThanOrEqual(8);
      rig.time.advance(65_000);
      expect(conflicts(rig, since).at(-1)).toMatchObject({ ip, mac: undefined });
    });
  }
});

test('nobody takes a member, or an interface of its own node, for a foreign host', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 4, addresses: 10, segments: 2, nodes: [[0, 0], [0, 0], [0], [0]] }, (rig) => {
      rig.powerOff(rig.anyOwner());
      rig.time.advance(5000);
      rig.expectRest();
      expect(conflicts(rig, 0)).toEqual([]);
    });
  }
});

/** Who answers in a cluster of the original: the first of the living by hash. */
const elected = (rig: Rig, ip: Ip): string =>
  rig.names
    .filter((name) => rig.node(name).speaker !== undefined)
    .sort((a, b) => (hashRank(a, ip) < hashRank(b, ip) ? -1 : 1))[0]!;

test('original speakers in the same cluster: as the original decides, and no address is answered by two of ours', () => {
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 5, addresses: 20, originals: new Set(['n0', 'n1']) }, (rig) => {
      rig.time.advance(10_000);
      const expectElected = (): void => {
        rig.expectRest();
        for (const ip of rig.keys) expect(rig.witness.answering(rig.client, ip)).toEqual([elected(rig, ip)]);
      };
      expectElected();
      for (const victim of ['n3', 'n1']) {
        const since = rig.time.now();
        rig.powerOff(victim);
        rig.time.advance(20_000);
        expectElected();
        rig.powerOn(victim);
        rig.time.advance(20_000);
        expectElected();
        const ours = rig.witness
          .intervals(since)
          .filter(({ nodes }) => nodes.filter((name) => name !== 'n0' && name !== 'n1').length > 1);
        expect(Math.max(0, ...ours.map(({ from, to }) => to - from))).toBeLessThanOrEqual(200);
      }
    });
  }
});

test('without a key the order of the original applies, after probes, with the delays of its gossip', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10, hasBeacon: false }, (rig) => {
      for (const ip of rig.keys) expect(rig.witness.answering(rig.client, ip)).toEqual([elected(rig, ip)]);
      expect(rig.restSent(5000)).toBe(0);
      const victim = rig.anyOwner();
      rig.powerOff(victim);
      rig.time.advance(15_000);
      rig.expectRest();
      for (const ip of rig.keys) expect(rig.witness.answering(rig.client, ip)).toEqual([elected(rig, ip)]);
    });
  }
});
