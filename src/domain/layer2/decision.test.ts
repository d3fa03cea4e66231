import { describe, expect, test } from 'vitest';
import { configurationOf, poolOf, serviceView } from '../../../test/support/builders.ts';
import type { Configuration, L2Advertisement, Pool } from '../config/configuration.ts';
import type { EndpointSliceView, ServiceView } from '../objects.ts';
import { type ClusterView, decide } from './decision.ts';
import { hashOrder } from './election.ts';

const everywhere: L2Advertisement = { name: 'everywhere', interfaces: undefined };
const on = (...interfaces: readonly string[]): L2Advertisement => ({ name: interfaces.join('-'), interfaces });

const pool = (name: string, range: string, ...l2Advertisements: readonly L2Advertisement[]): Pool =>
  poolOf(name, range, { l2Advertisements });

const configuration = (...pools: readonly Pool[]): Configuration => configurationOf(pools);

const service = (changes: Partial<ServiceView> = {}): ServiceView =>
  serviceView({ ingress: [{ ip: '10.0.0.10' }], ...changes });

const slice = (nodeName: string, usable = true): EndpointSliceView => ({
  key: `default/web-${nodeName}`,
  serviceKey: 'default/web',
  endpoints: [{ nodeName, usable }],
});

/** The view of node-b, which owns 10.0.0.10 and 10.0.0.11 among node-a, node-b and node-c. */
const view = (changes: Partial<ClusterView> = {}): ClusterView => ({
  self: 'node-b',
  loadBalancerClass: '',
  configuration: configuration(pool('main', '10.0.0.0/24', everywhere)),
  candidates: new Set(['node-a', 'node-b', 'node-c']),
  interfaces: new Set(['eth0']),
  order: hashOrder,
  ...changes,
});

const served = [slice('node-c')];

test('the first node in order announces every address on every interface', () => {
  const two = service({ ingress: [{ ip: '10.0.0.10' }, { ip: '10.1.0.1' }] });
  const pools = configuration(pool('main', '10.0.0.0/24', everywhere), pool('other', '10.1.0.0/24', everywhere));
  const decision = decide(two, served, view({ configuration: pools }));
  expect(decision).toEqual({
    announce: [
      { ip: '10.0.0.10', interfaces: undefined },
      { ip: '10.1.0.1', interfaces: undefined },
    ],
    silent: [],
    reason: undefined,
    group: { key: '10.0.0.10' },
    pools: new Set(['main', 'other']),
  });
});

test.each(['node-a', 'node-c'])('%s, which comes later in order, is silent', (self) => {
  expect(decide(service(), served, view({ self })).silent).toEqual([{ ip: '10.0.0.10', reason: 'notOwner' }]);
});

test('a node that is no candidate is silent, and the next in order announces', () => {
  const candidates = new Set(['node-a', 'node-c']);
  expect(decide(service(), served, view({ candidates })).announce).toEqual([]);
  expect(decide(service(), served, view({ candidates, self: 'node-c' })).announce).toHaveLength(1);
});

describe('a service is not announced', () => {
  test.each<[string, Partial<ServiceView>]>([
    ['notLoadBalancer', { type: 'NodePort' }],
    ['otherClass', { loadBalancerClass: 'example.com/other' }],
    ['noIPAllocated', { ingress: [] }],
    ['invalidIP', { ingress: [{ ip: '10.0.0.10' }, { ip: '10.0.0.300' }] }],
    ['invalidIP', { ingress: [{ hostname: 'lb.example.com' }] }],
  ])('at all for the reason %s', (reason, changes) => {
    expect(decide(service(changes), served, view())).toEqual({
      announce: [],
      silent: [],
      reason,
      group: undefined,
      pools: new Set(),
    });
  });

  test('by class if the class is ours and the service has none', () => {
    expect(decide(service(), served, view({ loadBalancerClass: 'ours' })).reason).toBe('otherClass');
    const ours = service({ loadBalancerClass: 'ours' });
    expect(decide(ours, served, view({ loadBalancerClass: 'ours' })).announce).toHaveLength(1);
  });

  test.each<[string, readonly EndpointSliceView[]]>([
    ['there is no slice', []],
    ['no endpoint can serve', [slice('node-b', false), slice('node-c', false)]],
  ])('if %s', (_, slices) => {
    expect(decide(service(), slices, view()).silent).toEqual([{ ip: '10.0.0.10', reason: 'notOwner' }]);
  });

  test('if no advertisement covers its pool', () => {
    const decision = decide(service(), served, view({ configuration: configuration(pool('main', '10.0.0.0/24')) }));
    expect(decision.silent).toEqual([{ ip: '10.0.0.10', reason: 'noMatchingAdvertisement' }]);
    expect(decision.pools).toEqual(new Set(['main']));
  });
});

test('with the policy Local the first node with an endpoint announces', () => {
  const local = service({ externalTrafficPolicy: 'Local' });
  expect(decide(local, served, view()).announce).toEqual([]);
  expect(decide(local, served, view({ self: 'node-c' })).announce).toHaveLength(1);
});

describe('an address in no pool', () => {
  const elsewhere = configuration(pool('main', '10.9.0.0/24', everywhere), pool('quiet', '10.8.0.0/24'));
  const noted = (poolName: string): ServiceView =>
    service({ annotations: { 'metallb.io/ip-allocated-from-pool': poolName } });

  test('is somebody else’s without our annotation', () => {
    const decision = decide(service(), served, view({ configuration: elsewhere }));
    expect(decision.silent).toEqual([{ ip: '10.0.0.10', reason: 'ipNotAllowed' }]);
    expect(decision.pools).toEqual(new Set([undefined]));
  });

  test('is announced by the advertisements of the pool it came from', () => {
    expect(decide(noted('main'), served, view({ configuration: elsewhere })).announce).toHaveLength(1);
    const decision = decide(noted('quiet'), served, view({ configuration: elsewhere }));
    expect(decision.silent).toEqual([{ ip: '10.0.0.10', reason: 'noMatchingAdvertisement' }]);
  });
});

test('an address of a pool that is gone is announced by the advertisements that name the pool, or cover every pool', () => {
  const gone = service({ annotations: { 'metallb.io/ip-allocated-from-pool': 'gone' } });
  const named = (poolNames: ReadonlySet<string> | undefined): Configuration =>
    configurationOf([], [{ advertisement: on('eth0'), poolNames }]);
  const decided = (poolNames: ReadonlySet<string> | undefined) =>
    decide(gone, served, view({ configuration: named(poolNames) }));
  expect(decided(new Set(['gone'])).announce).toEqual([{ ip: '10.0.0.10', interfaces: ['eth0'] }]);
  expect(decided(undefined).announce).toHaveLength(1);
  expect(decided(new Set(['other'])).silent).toEqual([{ ip: '10.0.0.10', reason: 'noMatchingAdvertisement' }]);
});

test('an IPv6 address is not announced, by whoever would own it', () => {
  const dual = service({ ingress: [{ ip: '10.0.0.10' }, { ip: 'FD00::0:1' }] });
  const pools = configuration(pool('main', '10.0.0.0/24', everywhere), pool('six', 'fd00::/120', everywhere));
  const decision = decide(dual, served, view({ configuration: pools }));
  expect(decision.announce).toEqual([{ ip: '10.0.0.10', interfaces: undefined }]);
  expect(decision.silent).toEqual([{ ip: 'fd00::1', reason: 'familyNotServed' }]);
  expect(decision.pools).toEqual(new Set(['main', 'six']));
});

describe('interfaces', () => {
  const advertised = (...advertisements: readonly L2Advertisement[]) =>
    decide(service(), served, view({ configuration: configuration(pool('main', '10.0.0.0/24', ...advertisements)) }));

  test('are the union over the advertisements, sorted', () => {
    expect(advertised(on('eth1', 'eth0'), on('eth0', 'bond0')).announce[0]?.interfaces).toEqual([
      'bond0',
      'eth0',
      'eth1',
    ]);
  });

  test('are all of them if one advertisement names none', () => {
    expect(advertised(on('eth1'), everywhere).announce[0]?.interfaces).toBeUndefined();
  });

  test('that do not exist here leave the owner silent', () => {
    const decision = advertised(on('eth1', 'eth2'));
    expect(decision.announce).toEqual([]);
    expect(decision.silent).toEqual([{ ip: '10.0.0.10', reason: 'noInterface' }]);
  });
});
