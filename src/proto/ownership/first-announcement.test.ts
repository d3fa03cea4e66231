import { expect, test } from 'vitest';
import {
  createOwnershipRig,
  ip,
  orderOf,
  type OwnershipRig,
  threeAtRest,
} from '../../../test/support/ownership-rig.ts';
import type { Mac } from '../../lib/mac.ts';

const key = ip('192.0.2.1');
const foreignMac = 0x0a00_0000_0099 as Mac;

const conflicts = (rig: OwnershipRig, name: string): readonly unknown[] =>
  rig.reports(name).filter(({ type }) => type === 'conflict');

const conflict = { type: 'conflict', key, ip: key, interface: 1 } as const;

test('an address that another host has is reported and not announced, and tried again after 10 s, 20 s and so on', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.setForeignHost(key, foreignMac);
  for (const name of ['a', 'b']) rig.start(name);
  rig.order(orderOf(key, ['a', 'b']));
  rig.advance(1000);
  expect(conflicts(rig, 'a')).toEqual([{ ...conflict, mac: foreignMac, isDefended: false }]);
  const probes = (): number => rig.effects('a').filter(({ type }) => type === 'probe').length;
  expect(probes()).toBe(1);
  rig.advance(9500);
  expect(probes()).toBe(2);
  rig.advance(19_000);
  expect(probes()).toBe(2);
  rig.setForeignHost(key, undefined);
  rig.advance(1500);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.answering(key)).not.toContain('b');
  expect(conflicts(rig, 'a').at(-1)).toEqual({ ...conflict, mac: undefined, isDefended: false });
  const balance = rig
    .effects('a')
    .reduce((sum, { type }) => sum + Number(type === 'watch') - Number(type === 'unwatch'), 0);
  expect(balance).toBe(0);
});

test('who takes over from an owner that never answered probes, too', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.setForeignHost(key, foreignMac);
  for (const name of ['a', 'b']) rig.start(name);
  rig.order(orderOf(key, ['a', 'b']));
  rig.advance(2000);
  rig.crash('a');
  rig.advance(2000);
  expect(rig.answering(key)).toEqual([]);
  expect(conflicts(rig, 'b')).toEqual([{ ...conflict, mac: foreignMac, isDefended: false }]);
});

test('an address that is answered is defended once in ten seconds, reported, and over after a minute', () => {
  const rig = threeAtRest(key);
  const claim = { type: 'sighted', interface: 1, ip: key, mac: foreignMac, kind: 'claim' } as const;
  for (let second = 0; second < 21; second++) {
    rig.tell('a', claim);
    rig.advance(1000);
  }
  expect(rig.effects('a').filter(({ type }) => type === 'defend')).toHaveLength(3);
  expect(conflicts(rig, 'a')).toEqual([{ ...conflict, mac: foreignMac, isDefended: true }]);
  expect(rig.answering(key)).toEqual(['a']);
  rig.advance(60_000);
  expect(conflicts(rig, 'a').at(-1)).toEqual({ ...conflict, mac: undefined, isDefended: true });
});

test('a frame of a member, or of an interface of this node, is no foreign host', () => {
  const rig = threeAtRest(key);
  for (const mac of [0x0200_0000_0001, 0x0200_0000_0002]) {
    rig.tell('a', { type: 'sighted', interface: 1, ip: key, mac: mac as Mac, kind: 'claim' });
  }
  expect(conflicts(rig, 'a')).toEqual([]);
});

test('beside speakers of the original nothing is probed or defended, and a second answer is only reported', () => {
  const rig = createOwnershipRig(['a']);
  rig.setMembers([
    { node: 'a', address: ip('10.0.0.1'), beacons: true },
    { node: 'original', address: ip('10.0.0.9'), beacons: false },
  ]);
  rig.start('a');
  rig.order(orderOf(key, ['a', 'original'], { policy: 'exact' }));
  rig.advance(10);
  expect(rig.answering(key)).toEqual(['a']);
  rig.tell('a', { type: 'sighted', interface: 1, ip: key, mac: foreignMac, kind: 'claim' });
  expect(rig.effects('a').map(({ type }) => type)).not.toContain('probe');
  expect(rig.effects('a').map(({ type }) => type)).not.toContain('defend');
  expect(conflicts(rig, 'a')).toHaveLength(1);
});
