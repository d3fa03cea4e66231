import { expect, test } from 'vitest';
import type { NodeReason, ServiceAnnouncement } from '../../src/domain/layer2/announcement.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Conflict, explain, type Explanation } from './explain.ts';

const ip = '192.0.2.1' as Ip;
const ip6 = '2001:db8::1' as Ip;
const mac = 0x02_00_00_00_00_99 as Mac;
const known = (more: Partial<ServiceAnnouncement> = {}): ServiceAnnouncement => ({
  key: ip,
  owner: undefined,
  answered: [],
  withoutInterface: [],
  silent: [],
  reason: undefined,
  clashing: [],
  nodes: new Map(),
  ...more,
});
const answering = known({ owner: 'n1', answered: [{ ip, interfaces: undefined }] });

/** What is said, with its message at the time T. */
const said = (
  announcement: ServiceAnnouncement,
  conflicts: readonly [Ip, Conflict][] = [],
  bound: readonly [Ip, readonly string[]][] = [],
) => {
  const explanation: Explanation | undefined = explain({
    self: 'n1',
    announcement,
    conflicts: new Map(conflicts),
    bound: new Map(bound),
  });
  return explanation && { ...explanation, message: explanation.message('T') };
};

test('who answers says on which interfaces, and since when', () => {
  expect(said(answering)).toEqual({
    speaker: 'self',
    node: 'n1',
    interfaces: undefined,
    status: 'True',
    reason: 'Announced',
    message: 'node "n1" announces it on every interface since T',
  });
  const answered = [
    { ip, interfaces: ['eth1'] },
    { ip: ip6, interfaces: ['eth0', 'eth1'] },
  ];
  expect(said(known({ owner: 'n1', answered }))).toMatchObject({
    interfaces: ['eth0', 'eth1'],
    message: 'node "n1" announces it on interfaces ["eth0" "eth1"] since T',
  });
});

test('what another node owns is no matter of ours', () => expect(said(known({ owner: 'n2' }))).toBeUndefined());

test('while this node probes there is nothing to say', () => expect(said(known({ owner: 'n1' }))).toBeUndefined());

test('a host that had the address before is named, with what to do', () =>
  expect(said(known({ owner: 'n1' }), [[ip, { mac, isDefended: false }]])).toEqual({
    speaker: 'self',
    node: undefined,
    interfaces: undefined,
    status: 'False',
    reason: 'AddressConflict',
    message:
      'IP "192.0.2.1" is not announced, because host 02:00:00:00:00:99 has it: take the address from that host, or if ' +
      'it answers for others (proxy ARP) stop that or start the speakers with --address-probes=false; it is tried again ' +
      'within 5 min',
  }));

test('a host that came later is named beside the node, and weighs more than what else is odd', () =>
  expect(
    said(
      known({ ...answering, silent: [{ ip: ip6, reason: 'noMatchingAdvertisement' }] }),
      [[ip, { mac, isDefended: true }]],
      [[ip, ['kube-ipvs0']]],
    ),
  ).toMatchObject({
    node: 'n1',
    status: 'True',
    reason: 'AddressConflict',
    message:
      'node "n1" announces it on every interface since T; host 02:00:00:00:00:99 claims IP "192.0.2.1" as well, so that ' +
      'clients reach either: take the address from that host, or if it answers for others (proxy ARP) stop that; ' +
      'the kernel answers for IP "192.0.2.1", too, which is bound to ["kube-ipvs0"] while arp_ignore is 0: set ' +
      'net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2 on every node (kube-proxy in mode ipvs does ' +
      'so with strictARP: true); IP "2001:db8::1" is not announced: no L2Advertisement selects its pool, and the service',
  }));

test.each([
  ['BoundLocally', {}, [[ip, ['eth0']]]],
  ['AnnouncedPartly', { withoutInterface: [ip6] }, []],
] as const)('%s', (reason, more, bound) =>
  expect(said({ ...answering, ...more }, [], bound as never)).toMatchObject({ status: 'True', reason, node: 'n1' }),
);

test('an owner without any of the interfaces announces nothing', () =>
  expect(said(known({ owner: 'n1', withoutInterface: [ip] }))).toMatchObject({
    speaker: 'self',
    status: 'False',
    reason: 'NoInterface',
  }));

test.each([
  ['noMatchingAdvertisement', 'NoAdvertisement', 'no L2Advertisement selects its pool, and the service'],
  ['noEndpoint', 'NoEndpoint', 'no endpoint of it is ready'],
  ['noCandidate', 'NoCandidate', 'no node can announce it'],
] as const)('%s is said by anyone', (reason, word, message) =>
  expect(said(known({ reason }))).toMatchObject({
    speaker: 'anyone',
    node: undefined,
    status: 'False',
    reason: word,
    message,
  }),
);

test('each node has its reason', () => {
  const nodes = new Map<string, NodeReason>([
    ['n3', 'notSelected'],
    ['n2', 'noInterface'],
    ['n1', 'notSelected'],
  ]);
  expect(said(known({ reason: 'noCandidate', nodes }))?.message).toBe(
    'no node can announce it; noInterface: n2; notSelected: n1, n3',
  );
  const many = new Map(Array.from({ length: 1000 }, (_, i) => [`n${i + 1000}`, 'notSelected' as const]));
  const message = said(known({ reason: 'noCandidate', nodes: many }))?.message ?? '';
  expect(message).toMatch(/, n1049 and 950 more$/);
});

test('services that share an address and have no node in common are named', () =>
  expect(said(known({ reason: 'clashingEndpoints', clashing: ['a/b', 'c/d'] }))).toMatchObject({
    speaker: 'anyone',
    reason: 'ClashingEndpoints',
    message:
      'it shares its address with services that have externalTrafficPolicy: Local, and no node has endpoints of all of ' +
      'them: a/b, c/d',
  }));

test('a service that could be announced and is not is said to be so', () =>
  expect(said(known())).toMatchObject({
    speaker: 'anyone',
    reason: 'NotClaimed',
    message: 'no node has taken it so far',
  }));

test.each(['notLoadBalancer', 'otherClass', 'noIPAllocated', 'invalidIP', 'ipNotAllowed'] as const)(
  'a service that is not ours to announce (%s) is not spoken of',
  (reason) => expect(said(known({ reason }))).toBeUndefined(),
);
