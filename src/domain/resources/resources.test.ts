import { describe, expect, test } from 'vitest';
import { bfdProfileSpec } from './bfd-profile.ts';
import { bgpAdvertisementSpec } from './bgp-advertisement.ts';
import { bgpPeerSpec } from './bgp-peer.ts';
import { communitySpec } from './community.ts';

/** The paths of what does not fit. */
const faults = (schema: typeof bgpPeerSpec | typeof bgpAdvertisementSpec | typeof bfdProfileSpec, spec: object) =>
  schema.safeParse(spec).error?.issues.map(({ path }) => path.join('.')) ?? [];

describe('parsing fills in the defaults', () => {
  test('of a BGPPeer', () => {
    expect(bgpPeerSpec.parse({ myASN: 1 })).toEqual({
      myASN: 1,
      peerPort: 179,
      disableMP: false,
      dualStackAddressFamily: false,
    });
  });

  test('of a BGPAdvertisement', () => {
    expect(bgpAdvertisementSpec.parse({})).toEqual({ aggregationLength: 32, aggregationLengthV6: 128 });
  });

  test('and a BFDProfile has none', () => {
    expect(bfdProfileSpec.parse({})).toEqual({});
  });
});

describe('parsing refuses', () => {
  test.each([
    ['myASN', {}],
    ['myASN', { myASN: -1 }],
    ['myASN', { myASN: 4_294_967_296 }],
    ['myASN', { myASN: 1.5 }],
    ['peerASN', { myASN: 1, peerASN: 4_294_967_296 }],
    ['localASN', { myASN: 1, localASN: 0 }],
    ['peerPort', { myASN: 1, peerPort: 0 }],
    ['peerPort', { myASN: 1, peerPort: 65_536 }],
    ['holdTime', { myASN: 1, holdTime: 90 }],
    ['passwordSecret.name', { myASN: 1, passwordSecret: { name: 1 } }],
    ['nodeSelectors.0.matchLabels.a', { myASN: 1, nodeSelectors: [{ matchLabels: { a: 1 } }] }],
  ])('a BGPPeer for its %s: %j', (path, spec) => {
    expect(faults(bgpPeerSpec, spec)).toEqual([path]);
  });

  test.each([
    ['aggregationLength', { aggregationLength: 0 }],
    ['localPref', { localPref: '100' }],
    ['communities.1', { communities: ['1:1', 1] }],
    ['peers', { peers: 'a' }],
  ])('a BGPAdvertisement for its %s: %j', (path, spec) => {
    expect(faults(bgpAdvertisementSpec, spec)).toEqual([path]);
  });

  test.each([
    ['receiveInterval', 9],
    ['receiveInterval', 60_001],
    ['transmitInterval', 9],
    ['transmitInterval', 60_001],
    ['detectMultiplier', 1],
    ['detectMultiplier', 256],
    ['echoInterval', 9],
    ['echoInterval', 60_001],
    ['minimumTtl', 0],
    ['minimumTtl', 255],
  ])('a BFDProfile for its %s: %d', (path, value) => {
    expect(faults(bfdProfileSpec, { [path]: value })).toEqual([path]);
  });
});

test('what was stored before the API server checked it can be read', () => {
  const peer = { myASN: 1, dynamicASN: 'any', peerPort: 20_000, holdTime: '90', connectTime: '0s' };
  expect(bgpPeerSpec.parse(peer)).toMatchObject(peer);
  const advertisement = {
    aggregationLength: 33,
    aggregationLengthV6: -1,
    localPref: -1,
    peers: ['a', 'a'],
    serviceSelectors: [{}],
  };
  expect(bgpAdvertisementSpec.parse(advertisement)).toEqual(advertisement);
  const community = { communities: [{ name: 'a', value: 'not a community' }, {}] };
  expect(communitySpec.parse(community)).toEqual(community);
});
