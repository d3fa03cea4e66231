import { describe, expect, test } from 'vitest';
import { l2Advertisement } from '../../../test/support/builders.ts';
import type { Ip } from '../../lib/ip.ts';
import type { L2Advertisement } from '../config/configuration.ts';
import type { AdvertisedService } from './advertised-service.ts';
import type { NodeReason } from './announcement.ts';
import { createCandidateLists, decideGroup, type NodesView } from './group-decision.ts';

const ip = '10.0.0.1' as Ip;
const everywhere = l2Advertisement('everywhere');

const service = (
  more: Partial<AdvertisedService> = {},
  ...advertisements: readonly L2Advertisement[]
): AdvertisedService => ({
  service: 'default/web',
  createdAt: '2026-01-01',
  addresses: [ip],
  advertised: [{ ip, advertisements: advertisements.length > 0 ? advertisements : [everywhere] }],
  silent: [],
  reason: undefined,
  servingNodes: undefined,
  lastingNodes: undefined,
  pools: ['main'],
  revision: 1,
  ...more,
});

/** Node a decides; d is no member. Advertisements named after a node cover that one alone. */
const view = (more: Partial<NodesView> = {}): NodesView => ({
  self: 'a',
  eligible: ['a', 'b', 'c'],
  known: () => [
    ['a', undefined],
    ['b', undefined],
    ['c', undefined],
    ['d', 'notMember'],
  ],
  interfacesOf: () => new Set(['eth0']),
  isBlind: false,
  covers: ({ name }, node) => name.length > 1 || name === node,
  score: () => 0,
  ...more,
});
const decide = (services: readonly AdvertisedService[], more: Partial<NodesView> = {}) =>
  decideGroup(services, view(more), createCandidateLists());
const named = (services: readonly AdvertisedService[], more: Partial<NodesView> = {}): readonly string[] =>
  decide(services, more).candidates.map(({ node }) => node);
const on = (name: string, ...interfaces: readonly string[]): L2Advertisement =>
  l2Advertisement(name, { interfaces, text: `${name} ${interfaces.join()}` });

describe('a candidate', () => {
  test('is covered by one of the advertisements', () => {
    expect(named([service()])).toEqual(['a', 'b', 'c']);
    expect(named([service({}, l2Advertisement('b'), l2Advertisement('c'))])).toEqual(['b', 'c']);
  });

  test('has endpoints of all services with Local that have any', () => {
    const first = service({ servingNodes: new Set(['a', 'b']) });
    const second = service({ service: 'default/dns', servingNodes: new Set(['b', 'd']) });
    const third = service({ service: 'default/ftp', servingNodes: new Set(), reason: 'noEndpoint' });
    expect(named([first, second, third])).toEqual(['b']);
    expect(named([first, service({ service: 'default/dns' })])).toEqual(['a', 'b']);
  });

  test('has endpoints that do not end, if any node has', () => {
    const servingNodes = new Set(['a', 'b']);
    const ending = service({ servingNodes, lastingNodes: new Set(['b']) });
    expect(named([ending])).toEqual(['b']);
    expect(named([service({ servingNodes, lastingNodes: new Set() })])).toEqual(['a', 'b']);
    const dns = { service: 'default/dns', servingNodes };
    expect(named([ending, service({ ...dns, lastingNodes: servingNodes })])).toEqual(['b']);
    expect(named([ending, service({ ...dns, lastingNodes: new Set(['a']) })])).toEqual(['a', 'b']);
    expect(named([ending], { isBlind: true })).toEqual(['a', 'b']);
  });

  test('has one of the interfaces that are named for it, or may have it', () => {
    const interfacesOf = (node: string) => ({ a: new Set(['eth0']), b: new Set(['eth1']) })[node];
    expect(named([service({}, on('main', 'eth1'))], { interfacesOf })).toEqual(['b', 'c']);
    expect(named([service({}, on('main', 'eth1'), l2Advertisement('a'))], { interfacesOf })).toEqual(['a', 'b', 'c']);
    expect(named([service({}, on('main', 'eth1'))], { interfacesOf, isBlind: true })).toEqual(['a', 'b', 'c']);
  });

  test('is preferred by the sum over all advertisements, each of which counts once', () => {
    const preference = { weight: 1, selector: () => true };
    const five = l2Advertisement('five', { text: 'five', preferences: [preference] });
    const two = l2Advertisement('two', { text: 'two', preferences: [preference] });
    const score = ({ name }: L2Advertisement, node: string) => (node === 'b' ? { five: 5, two: 2 }[name]! : 0);
    const services = [service({}, five, two), service({ service: 'default/dns' }, five)];
    expect(decide(services, { score }).candidates).toEqual([
      { node: 'a', score: 0 },
      { node: 'b', score: 7 },
      { node: 'c', score: 0 },
    ]);
  });
});

describe('where there is no candidate', () => {
  test('every node has its reason', () => {
    const local = service({ servingNodes: new Set(['c']) }, on('c', 'eth1'), l2Advertisement('a'));
    const decision = decide([local], {
      eligible: ['a', 'b', 'c'],
      known: () => [
        ['a', undefined],
        ['b', undefined],
        ['c', undefined],
        ['d', 'notMember'],
        ['e', 'excludedLabel'],
      ],
    });
    expect(decision).toMatchObject({ candidates: [], reason: 'noCandidate' });
    expect(decision.nodes).toEqual(
      new Map<string, NodeReason>([
        ['a', 'noEndpoint'],
        ['b', 'notSelected'],
        ['c', 'noInterface'],
        ['d', 'notMember'],
        ['e', 'excludedLabel'],
      ]),
    );
  });

  test('services whose endpoints are apart are named', () => {
    const first = service({ servingNodes: new Set(['a']) });
    const second = service({ service: 'default/dns', servingNodes: new Set(['b']) });
    expect(decide([first, second])).toMatchObject({
      reason: 'clashingEndpoints',
      clashing: ['default/web', 'default/dns'],
      nodes: new Map(),
    });
  });

  test('a group whose services have a reason each has that of the oldest', () => {
    const reasons = ['noEndpoint', 'noMatchingAdvertisement'] as const;
    expect(decide(reasons.map((reason) => service({ reason })))).toMatchObject({ addresses: [], reason: 'noEndpoint' });
  });
});

describe('addresses', () => {
  test('are for the interfaces that advertisements for this node name, sorted; for none without one', () => {
    const address = (...advertisements: readonly L2Advertisement[]) =>
      decide([service({}, ...advertisements)]).addresses[0]?.interfaces;
    expect(address(on('a', 'eth2', 'eth0'), on('main', 'eth1'), on('b', 'eth9'))).toEqual(['eth0', 'eth1', 'eth2']);
    expect(address(on('a', 'eth2'), everywhere)).toBeUndefined();
    expect(address(on('b', 'eth9'))).toEqual([]);
  });

  test('that services share have the advertisements of all of them, and each appears once', () => {
    const other = '10.0.0.2' as Ip;
    const first = service({}, on('a', 'eth2'));
    const second = service({
      service: 'default/dns',
      advertised: [
        { ip, advertisements: [on('a', 'eth0')] },
        { ip: other, advertisements: [everywhere] },
      ],
    });
    expect(decide([first, second]).addresses).toEqual([
      { ip, interfaces: ['eth0', 'eth2'] },
      { ip: other, interfaces: undefined },
    ]);
  });
});

test('lists of candidates are found once for the same advertisements, until they are forgotten', () => {
  const lists = createCandidateLists();
  const texts = [[everywhere], [everywhere], [l2Advertisement('b', { text: 'b' })]];
  const found = () => texts.map((each) => decideGroup([service({}, ...each)], view(), lists).candidates);
  const [first, second, third] = found();
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  lists.forget();
  expect(found()[0]).not.toBe(first);
});
