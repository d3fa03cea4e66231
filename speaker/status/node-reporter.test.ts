import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { createNodeReporter } from './node-reporter.ts';

const ips = Array.from({ length: 7 }, (_, i) => `192.0.2.${i + 1}` as Ip);

const rig = (owned: readonly Ip[] = []) => {
  const clock = fakeClock();
  const told: string[] = [];
  const reporter = createNodeReporter({
    clock,
    beaconPort: 7947,
    answers: (ip) => owned.includes(ip),
    tell: ({ type, reason, message }) => told.push(`${type} ${reason}: ${message}`),
  });
  return { ...reporter, clock, taken: () => told.splice(0) };
};

test('a member that is not heard is told once, with the port to open, until it is heard', () => {
  const { onUnheard, onMembers, unheard, taken } = rig();
  onUnheard('n2', true);
  onUnheard('n2', true);
  expect(taken()).toEqual([
    'Warning MemberUnheard: the speaker of node "n2" is a member, but no beacon of it has come for 10 s: let UDP port ' +
      '7947 pass between the nodes',
  ]);
  expect(unheard()).toBe(1);
  onUnheard('n2', false);
  expect(unheard()).toBe(0);
  onUnheard('n2', true);
  expect(taken()).toHaveLength(1);
  onMembers(['n2']);
  expect(unheard()).toBe(1);
  onMembers(['n3']);
  expect(unheard()).toBe(0);
});

test('another key, and a name that two have, are told with their addresses', () => {
  const { onUnknownKey, onDuplicateName, taken } = rig();
  onUnknownKey('192.0.2.7' as Ip);
  onDuplicateName('n2', ips.slice(0, 2));
  expect(taken()).toEqual([
    expect.stringMatching(/^Warning UnknownKey: beacons from 192\.0\.2\.7 .*Secret "memberlist"/),
    expect.stringMatching(/^Warning DuplicateName: .*"n2", at 192\.0\.2\.1 and 192\.0\.2\.2/),
  ]);
});

test('addresses bound here that others announce are told together, once', () => {
  const { onBound, clock, taken } = rig();
  for (const ip of ips) onBound(ip, 'kube-ipvs0', true);
  expect(taken()).toEqual([]);
  clock.advance(seconds(2));
  expect(taken()).toEqual([
    expect.stringMatching(
      /answers for 192\.0\.2\.1, .*, 192\.0\.2\.5 and 2 more, .* arp_ignore is 0; .*strictARP: true/,
    ),
  ]);
  onBound('192.0.2.99' as Ip, 'kube-ipvs0', true);
  clock.advance(seconds(2));
  expect(taken()).toEqual([]);
});

test('they are told anew after none was bound', () => {
  const { onBound, clock, taken } = rig();
  for (const isBound of [true, false, true]) {
    onBound(ips[0]!, 'eth0', isBound);
    clock.advance(seconds(2));
  }
  expect(taken()).toHaveLength(2);
});

test('what this node announces itself is the matter of the service', () => {
  const { onBound, clock, taken } = rig(ips);
  onBound(ips[0]!, 'kube-ipvs0', true);
  clock.advance(seconds(2));
  expect(taken()).toEqual([]);
});
