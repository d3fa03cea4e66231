import { describe, expect, test } from 'vitest';
import type { L2Advertisement } from '../src/domain/config/configuration.ts';
import type { Selector } from '../src/domain/selector.ts';
import { millis, seconds } from '../src/lib/time.ts';
import { configurationOf, l2Advertisement, poolOf } from '../test/support/builders.ts';
import { runningRig, type SpeakerRig } from '../test/support/speaker-rig.ts';

const key = '10.0.0.10';
const has =
  (label: string): Selector =>
  (labels) =>
    Object.hasOwn(labels, label);
const advertisement = (name: string, more: Partial<L2Advertisement> = {}): L2Advertisement =>
  l2Advertisement(name, { text: name, ...more });

const serve = (
  rig: SpeakerRig,
  name: string,
  ips: readonly string[],
  more: Parameters<SpeakerRig['service']>[2] = {},
) => {
  rig.slice(name, ['node-c']);
  rig.service(name, ips, more);
};
const serving = (self = 'node-a', ...ports: Parameters<typeof runningRig>[1][]): SpeakerRig => {
  const rig = runningRig(self, ...ports);
  serve(rig, 'web', [key]);
  rig.done();
  rig.read();
  return rig;
};
const candidates = (rig: SpeakerRig, group = key): readonly string[] =>
  [...(rig.orders.get(group)?.candidates ?? [])].sort();

describe('an order', () => {
  test('has all addresses, candidates, policy and the newest version of what it rests on', () => {
    const rig = runningRig('node-a');
    rig.slice('web', ['node-c'], '700');
    rig.service('web', [key, 'fd00::1'], { resourceVersion: '650' });
    const { candidates: order, ...rest } = rig.orders.get(key)!;
    expect([...order].sort()).toEqual(['node-a', 'node-b', 'node-c']);
    expect(rest).toEqual({
      key,
      addresses: [
        { ip: key, interfaces: undefined },
        { ip: 'fd00::1', interfaces: undefined },
      ],
      policy: 'sticky',
      revision: 700,
    });
  });

  test('is not repeated, and changes of one service order its group only', () => {
    const rig = serving();
    serve(rig, 'dns', ['10.0.0.11']);
    rig.done();
    rig.read();
    rig.service('web', [key], { labels: { tier: 'web' } });
    const [change] = rig.done();
    expect(change).toMatchObject({ type: 'groups', changed: [{ key }], removed: [] });
    expect(rig.read()).toEqual(['default/web']);
  });

  test('is the same at every node that sees the same, when claims have come or a second is over', () => {
    const rigs = ['node-a', 'node-b', 'node-c'].map((self) => runningRig(self));
    for (const [index, rig] of rigs.entries()) {
      const names = Array.from({ length: 20 }, (_, number) => number);
      for (const number of index === 1 ? names.toReversed() : names) serve(rig, `s${number}`, [`10.0.1.${number}`]);
      rig.owner('10.0.1.3', 'node-c');
      rig.clock.advance(seconds(1));
    }
    const [first, ...others] = rigs.map(
      ({ orders }) => new Map([...orders].map(([name, order]) => [name, order.candidates])),
    );
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('a group is taken back', () => {
  test('and released with the version of its service when that is deleted', () => {
    const rig = serving();
    rig.service('web', [key], { resourceVersion: '77' });
    rig.done();
    rig.noService('web');
    expect(rig.done()).toEqual([{ type: 'groups', changed: [], removed: [{ key, isReleased: true, revision: 77 }] }]);
    expect(rig.told.size).toBe(0);
  });

  test.each([
    ['is no load balancer any more', { type: 'ClusterIP' }],
    ['has another class', { loadBalancerClass: 'other' }],
    ['lost its address', { ingress: [] }],
  ])('and released with the version in which the service %s', (_, more) => {
    const rig = serving();
    rig.service('web', [key], { resourceVersion: '88', ...more });
    expect(rig.done()).toMatchObject([{ changed: [], removed: [{ key, isReleased: true, revision: 88 }] }]);
  });

  test('and released when no endpoint can serve, until there is a newer one', () => {
    const rig = serving();
    rig.slice('web', [], '950');
    expect(rig.orders.size).toBe(0);
    expect(rig.done()).toMatchObject([{ removed: [{ isReleased: true, revision: 950 }] }]);
    rig.slice('web', ['node-b'], '951');
    expect(rig.orders.get(key)?.revision).toBe(951);
  });

  test('and released when no advertisement covers it, with the version of what was there', () => {
    const rig = serving();
    rig.advertise(advertisement('main', { revision: 600 }));
    rig.done();
    rig.advertise();
    expect(rig.done()).toMatchObject([{ changed: [], removed: [{ isReleased: true, revision: 600 }] }]);
    expect(rig.told.get('default/web')).toMatchObject({
      reason: 'noMatchingAdvertisement',
      silent: [{ ip: key, reason: 'noMatchingAdvertisement' }],
    });
  });

  test('by this node only when no node may own it in its view', () => {
    const rig = serving();
    for (const name of ['node-a', 'node-b', 'node-c']) rig.node(name, { networkUnavailable: true });
    expect(rig.done().at(-1)).toMatchObject({ removed: [{ isReleased: false }] });
    expect(rig.told.get('default/web')).toMatchObject({ reason: 'noCandidate' });
  });

  test('and given again when the status gives another address', () => {
    const rig = serving();
    rig.service('web', ['10.0.0.11']);
    expect(rig.done()).toMatchObject([{ changed: [{ key: '10.0.0.11' }], removed: [{ key, isReleased: true }] }]);
  });
});

test('an address outside the pools is announced if the service says which pool it came from', () => {
  const rig = runningRig('node-a');
  serve(rig, 'web', ['192.0.2.1']);
  expect(rig.told.get('default/web')).toMatchObject({ reason: 'ipNotAllowed' });
  rig.service('web', ['192.0.2.1'], { annotations: { 'metallb.io/ip-allocated-from-pool': 'gone' } });
  expect(candidates(rig, '192.0.2.1')).toHaveLength(3);
  rig.advertise();
  expect(rig.orders.size).toBe(0);
});

describe('services that share an address', () => {
  const local = { externalTrafficPolicy: 'Local' } as const;

  test('are one group, which changes with each of them', () => {
    const rig = serving();
    serve(rig, 'dns', [key, 'fd00::1'], { createdAt: '2026-01-02T00:00:00Z' });
    expect([...rig.orders.values()].map(({ addresses }) => addresses.map(({ ip }) => ip))).toEqual([[key, 'fd00::1']]);
    rig.noService('web');
    expect([...rig.orders.keys()]).toEqual([key]);
  });

  test('with Local go where all have endpoints that have any', () => {
    const rig = runningRig('node-a');
    rig.slice('web', ['node-a', 'node-b']);
    rig.service('web', [key], local);
    expect(candidates(rig)).toEqual(['node-a', 'node-b']);
    rig.slice('dns', []);
    rig.service('dns', [key], local);
    expect(candidates(rig)).toEqual(['node-a', 'node-b']);
    rig.slice('dns', ['node-b', 'node-c']);
    expect(candidates(rig)).toEqual(['node-b']);
    rig.slice('dns', ['node-c']);
    expect(rig.orders.size).toBe(0);
    expect(rig.told.get('default/web')).toMatchObject({
      reason: 'clashingEndpoints',
      clashing: ['default/dns', 'default/web'],
    });
  });

  test('are announced if an advertisement selects one of them', () => {
    const rig = runningRig('node-a');
    rig.advertise(advertisement('web', { serviceSelectors: [has('web')] }));
    serve(rig, 'web', [key], { labels: { web: '' } });
    serve(rig, 'dns', [key, '10.0.0.11']);
    expect(rig.orders.get(key)?.addresses).toEqual([{ ip: key, interfaces: undefined }]);
    expect(rig.told.get('default/dns')?.reason).toBe('noMatchingAdvertisement');
  });
});

describe('selectors', () => {
  test('of nodes choose the candidates, and a label touches only what depends on it', () => {
    const rig = runningRig('node-a');
    const inRack = advertisement('rack', { nodeSelectors: [has('rack')] });
    const everywhere = advertisement('everywhere');
    rig.configure(
      configurationOf([
        poolOf('racked', '10.0.0.0/24', { l2Advertisements: [inRack] }),
        poolOf('other', '10.0.1.0/24', { l2Advertisements: [everywhere] }),
      ]),
    );
    serve(rig, 'web', [key]);
    serve(rig, 'dns', ['10.0.1.1']);
    expect([candidates(rig), candidates(rig, '10.0.1.1')]).toEqual([[], ['node-a', 'node-b', 'node-c']]);
    expect(rig.told.get('default/web')).toMatchObject({
      reason: 'noCandidate',
      nodes: new Map([
        ['node-a', 'notSelected'],
        ['node-b', 'notSelected'],
        ['node-c', 'notSelected'],
      ]),
    });
    rig.done();
    rig.node('node-b', { labels: { rack: '1' } });
    expect(candidates(rig)).toEqual(['node-b']);
    expect(rig.done()).toHaveLength(1);
    rig.node('node-b', { labels: { rack: '2' } });
    expect(rig.done()).toEqual([]);
  });

  test('still meet labels after the configuration has changed elsewhere', () => {
    const rig = runningRig('node-a');
    const inRack = advertisement('rack', { nodeSelectors: [has('rack')] });
    const racked = poolOf('racked', '10.0.0.0/24', { l2Advertisements: [inRack] });
    const naming = [{ advertisement: inRack, poolNames: undefined }];
    rig.configure(configurationOf([racked], naming));
    serve(rig, 'web', [key]);
    rig.configure(configurationOf([racked, poolOf('other', '10.0.1.0/24')], naming));
    rig.node('node-b', { labels: { rack: '1' } });
    expect(candidates(rig)).toEqual(['node-b']);
  });

  test('of preferred nodes rank the candidates of a new group by the sum of the weights', () => {
    const rig = runningRig('node-a');
    rig.node('node-b', { labels: { fast: '' } });
    rig.node('node-c', { labels: { fast: '', near: '' } });
    const preferences = [
      { weight: 5, selector: has('fast') },
      { weight: 1, selector: has('near') },
    ];
    rig.advertise(advertisement('main', { preferences }));
    serve(rig, 'web', [key]);
    expect(rig.orders.get(key)?.candidates).toEqual(['node-c', 'node-b', 'node-a']);
  });
});

describe('interfaces', () => {
  const on = (...interfaces: readonly string[]) => advertisement(interfaces.join(), { interfaces });

  test('are the union over the advertisements that cover this node', () => {
    const rig = runningRig('node-a');
    rig.advertise(on('eth0', 'eth2'), on('eth1'), advertisement('other', { nodeSelectors: [has('other')] }));
    serve(rig, 'web', [key]);
    expect(rig.orders.get(key)?.addresses).toEqual([{ ip: key, interfaces: ['eth0', 'eth1', 'eth2'] }]);
    rig.node('node-a', { labels: { other: '' } });
    expect(rig.orders.get(key)?.addresses).toEqual([{ ip: key, interfaces: undefined }]);
  });

  test('that a node has none of leave it out, as soon as its interfaces are known', () => {
    const rig = runningRig('node-a');
    rig.advertise(on('vlan7'));
    serve(rig, 'web', [key]);
    expect(candidates(rig)).toEqual(['node-b', 'node-c']);
    rig.peer('node-b', true, 'eth0');
    expect(candidates(rig)).toEqual(['node-c']);
    rig.peer('node-c', true, 'eth0');
    expect(rig.told.get('default/web')?.nodes).toEqual(
      new Map([
        ['node-a', 'noInterface'],
        ['node-b', 'noInterface'],
        ['node-c', 'noInterface'],
      ]),
    );
    rig.speaker.onInterfaces(['eth0', 'vlan7']);
    expect(candidates(rig)).toEqual(['node-a']);
  });

  test('are no matter to the order of the original, whose owner says that it has none', () => {
    const rig = runningRig('node-b', { election: 'metallb' });
    rig.advertise(on('vlan7'));
    serve(rig, 'web', [key]);
    expect(rig.orders.get(key)?.candidates).toEqual(['node-b', 'node-c', 'node-a']);
    rig.owning(key);
    expect(rig.told.get('default/web')).toMatchObject({ owner: 'node-b', answered: [], withoutInterface: [key] });
  });
});

describe('the policy', () => {
  test('is exact while a member without our mark is in the cluster', () => {
    const rig = serving('node-a');
    rig.speaker.onMembers([
      { node: 'node-b', beacons: true },
      { node: 'node-c', beacons: false },
    ]);
    expect(rig.orders.get(key)).toMatchObject({ policy: 'exact', candidates: ['node-b', 'node-c', 'node-a'] });
    rig.members('node-b', 'node-c');
    expect(rig.orders.get(key)?.policy).toBe('sticky');
  });

  test('without beacons is exact, and the first candidate counts as the owner', () => {
    const rig = serving('node-a', { hasBeacon: false });
    expect(rig.orders.get(key)?.policy).toBe('exact');
    expect(rig.told.get('default/web')?.owner).toBe('node-b');
  });
});

describe('what is told of a service', () => {
  test('follows its owner, and has what this node answers', () => {
    const rig = serving();
    const told = () => rig.told.get('default/web')!;
    expect(told()).toMatchObject({ key, owner: undefined, answered: [], reason: undefined });
    rig.owner(key, 'node-b');
    expect(told()).toMatchObject({ owner: 'node-b', answered: [] });
    rig.owner(key, 'node-a');
    expect(told()).toMatchObject({ owner: 'node-a', answered: [] });
    rig.owning(key);
    expect(told()).toMatchObject({ owner: 'node-a', answered: [{ ip: key, interfaces: undefined }] });
    rig.speaker.onOwnership([{ type: 'notOwning', key: told().key!, why: 'yielded' }]);
    rig.owner(key, 'node-c');
    expect(told()).toMatchObject({ owner: 'node-c', answered: [] });
    expect(rig.logged.slice(-2)).toEqual(['serviceAnnounced', 'serviceWithdrawn']);
  });

  test('has only its own addresses of the group', () => {
    const rig = serving();
    serve(rig, 'dns', [key, 'fd00::1'], { createdAt: '2026-01-02T00:00:00Z' });
    rig.owning(key);
    expect(rig.told.get('default/web')?.answered.map(({ ip }) => ip)).toEqual([key]);
    expect(rig.told.get('default/dns')?.answered.map(({ ip }) => ip)).toEqual([key, 'fd00::1']);
  });
});

describe('planned moves', () => {
  const owning = (): SpeakerRig => {
    const rig = serving('node-a');
    rig.owning(key);
    rig.clock.advance(seconds(120));
    rig.done();
    return rig;
  };
  const moves = (rig: SpeakerRig) => rig.done().filter(({ type }) => type === 'handOver');

  test('begin at once where this node may not own the group any more, and are asked for again', () => {
    const rig = owning();
    rig.node('node-a', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } });
    const [order, move] = rig.done();
    expect(order?.type).toBe('groups');
    const to = rig.orders.get(key)!.candidates[0]!;
    expect(move).toEqual({ type: 'handOver', keys: [key], to });
    rig.clock.advance(millis(4900));
    expect(moves(rig)).toEqual([]);
    rig.clock.advance(seconds(3));
    expect(moves(rig)).toEqual([{ type: 'handOver', keys: [key], to }]);
    rig.speaker.onOwnership([{ type: 'notOwning', key: rig.orders.get(key)!.key, why: 'handedOver' }]);
    rig.owner(key, to);
    rig.clock.advance(seconds(60));
    expect(moves(rig)).toEqual([]);
  });

  test('follow when this node has been not ready for 10 s', () => {
    const rig = owning();
    rig.node('node-a', { ready: false });
    rig.clock.advance(millis(9900));
    expect(moves(rig)).toEqual([]);
    rig.clock.advance(millis(200));
    expect(moves(rig)).toHaveLength(1);
  });

  test('do not follow when it is ready again in time', () => {
    const rig = owning();
    rig.node('node-a', { ready: false });
    rig.clock.advance(seconds(9));
    rig.node('node-a', { ready: true });
    rig.clock.advance(seconds(60));
    expect(moves(rig)).toEqual([]);
  });

  test('go to a preferred node that has been up for a minute', () => {
    const rig = owning();
    rig.advertise(advertisement('main', { preferences: [{ weight: 1, selector: has('fast') }] }));
    rig.members('node-b');
    rig.node('node-c', { labels: { fast: '' } });
    rig.members('node-b', 'node-c');
    rig.clock.advance(seconds(59));
    expect(moves(rig)).toEqual([]);
    rig.clock.advance(seconds(2));
    expect(moves(rig)).toEqual([{ type: 'handOver', keys: [key], to: 'node-c' }]);
  });

  test('level growth by one group a minute, unless that is switched off', () => {
    for (const isRebalancing of [true, false]) {
      const rig = runningRig('node-a', { isRebalancing });
      for (let number = 0; number < 6; number++) {
        serve(rig, `s${number}`, [`10.0.1.${number}`]);
        rig.owning(`10.0.1.${number}`);
      }
      rig.clock.advance(seconds(62));
      const found = moves(rig);
      // What is asked for in vain is asked for again; nobody answers here.
      expect(new Set(found.map((move) => JSON.stringify(move))).size).toBe(isRebalancing ? 1 : 0);
    }
  });

  test('are not made in the order of the original: the responder does so by itself', () => {
    const rig = serving('node-a', { election: 'metallb' });
    rig.owning(key);
    rig.node('node-a', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } });
    rig.clock.advance(seconds(120));
    expect(moves(rig)).toEqual([]);
  });
});
