import { expect, test } from 'vitest';
import type { SpeakerPodView } from '../src/domain/objects.ts';
import type { Ip } from '../src/lib/ip.ts';
import { millis } from '../src/lib/time.ts';
import type { Member } from '../src/proto/ownership/machine.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import type { MembershipMember } from './membership/types.ts';
import { createParticipants } from './participants.ts';

const pod = (nodeName: string, ip: string | undefined, ready = true): SpeakerPodView => ({
  key: `m/speaker-${nodeName}`,
  nodeName,
  ips: ip === undefined ? [] : [ip, '2001:db8::9'],
  ready,
});
const member = (name: string, address: string, isOurs = true): MembershipMember => ({
  name,
  address: address as Ip,
  state: 'alive',
  isOurs,
});

const rig = (hasMembership: boolean) => {
  let pods: readonly SpeakerPodView[] = [];
  let members: readonly MembershipMember[] = [];
  let isComplete = false;
  let changed = (): void => {};
  const peers: (readonly Ip[])[] = [];
  const told: [readonly Member[], boolean][] = [];
  const known: (readonly Member[])[] = [];
  const clock = fakeClock();
  const participants = createParticipants({
    self: 'n1',
    membership: hasMembership
      ? {
          members: () => members,
          isComplete: () => isComplete,
          onChange: (listener) => {
            changed = listener;
            return () => {};
          },
          setPeers: (addresses) => void peers.push(addresses),
        }
      : undefined,
    pods: () => pods,
    clock,
    onMembers: (...now) => told.push(now),
    onKnown: (now) => known.push(now),
  });
  return {
    ...participants,
    peers,
    clock,
    told: () => told.splice(0),
    known: () => known.splice(0).map((now) => now.map(({ node }) => node).join()),
    setPods: (...now: readonly SpeakerPodView[]) => (pods = now),
    setMembers: (now: readonly MembershipMember[], complete: boolean) => {
      members = now;
      isComplete = complete;
      changed();
    },
  };
};

test('memberlist says who takes part; the API, where they may be found', () => {
  const { start, podsChanged, setPods, setMembers, peers, told, known } = rig(true);
  setPods(pod('n1', '192.0.2.1'), pod('n2', '192.0.2.2', false), pod('n3', undefined));
  podsChanged();
  expect(peers).toEqual([]);
  start();
  podsChanged();
  expect(peers).toEqual([['192.0.2.1', '192.0.2.2']]);
  expect(told()).toEqual([[[], false]]);
  expect(known()).toEqual([]);
  setMembers([member('n1', '192.0.2.1'), member('n2', '192.0.2.2'), member('n3', '192.0.2.3', false)], true);
  expect(told()).toEqual([
    [
      [
        { node: 'n2', address: '192.0.2.2', beacons: true },
        { node: 'n3', address: '192.0.2.3', beacons: false },
      ],
      true,
    ],
  ]);
  expect(known()).toEqual(['n2,n3']);
  setPods(pod('n1', '192.0.2.1'));
  podsChanged();
  expect(peers.at(-1)).toEqual(['192.0.2.1']);
  expect(told()).toEqual([]);
});

test('a member that cannot be reached delays elections by two seconds at most', () => {
  const { start, setPods, setMembers, clock, known } = rig(true);
  setPods(pod('n1', '192.0.2.1'), pod('n2', '192.0.2.2'), pod('n3', '192.0.2.3'));
  start();
  setMembers([member('n2', '192.0.2.2')], false);
  clock.advance(millis(1999));
  expect(known()).toEqual([]);
  clock.advance(millis(1));
  expect(known()).toEqual(['n2']);
  setMembers([], false);
  expect(known()).toEqual(['']);
});

test('without memberlist the nodes with a ready pod take part, and none of them beacons', () => {
  const { start, podsChanged, setPods, told } = rig(false);
  setPods(pod('n1', '192.0.2.1'), pod('n2', '192.0.2.2'), pod('n3', '192.0.2.3', false));
  podsChanged();
  expect(told()).toEqual([]);
  start();
  expect(told()).toEqual([[[{ node: 'n2', address: '192.0.2.2', beacons: false }], true]]);
  setPods(pod('n2', '192.0.2.2', false));
  podsChanged();
  expect(told()).toEqual([[[], true]]);
});
