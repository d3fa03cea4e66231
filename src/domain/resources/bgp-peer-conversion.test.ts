import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bgpPeer, bgpPeerV1beta1 } from './bgp-peer.ts';
import { convertBgpPeer } from './bgp-peer-conversion.ts';

const v1beta1 = 'metallb.io/v1beta1';
const v1beta2 = 'metallb.io/v1beta2';
const prefix = 'v1beta2.metallb.io/';

type Peer = {
  readonly apiVersion: string;
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
};

const convert = (object: unknown, version: string): Peer => {
  const converted = convertBgpPeer(object, version);
  if (!converted.ok) throw new Error(converted.error);
  return converted.value as Peer;
};

const errorOf = (object: unknown, version: string): string | undefined => {
  const converted = convertBgpPeer(object, version);
  return converted.ok ? undefined : converted.error;
};

const peer = (apiVersion: string, spec: object, annotations?: object) => ({
  apiVersion,
  kind: 'BGPPeer',
  metadata: { name: 'router', namespace: 'metallb-system', uid: 'u1', ...(annotations && { annotations }) },
  spec,
});

const minimal = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' };

test('what both versions have is taken over, either way', () => {
  const shared = {
    ...minimal,
    sourceAddress: '192.0.2.9',
    peerPort: 1179,
    holdTime: '90s',
    keepaliveTime: '30s',
    routerID: '192.0.2.8',
    nodeSelectors: [{}, { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['d'] }] }],
    password: 'secret',
    bfdProfile: 'fast',
    ebgpMultiHop: true,
  };
  expect(convert({ ...peer(v1beta1, shared), status: {} }, v1beta2)).toEqual({ ...peer(v1beta2, shared), status: {} });
  expect(convert({ ...peer(v1beta2, shared), status: {} }, v1beta1)).toEqual({ ...peer(v1beta1, shared), status: {} });
});

test('timers that are not set stay unset, and those that are 0 stay 0', () => {
  expect(convert(peer(v1beta1, minimal), v1beta2).spec).toEqual(minimal);
  const silent = { ...minimal, holdTime: '0s' };
  expect(convert(peer(v1beta1, silent), v1beta2).spec).toEqual(silent);
});

test('port 0 of v1beta1 is the usual port', () => {
  expect(convert(peer(v1beta1, { ...minimal, peerPort: 0 }), v1beta2).spec).toEqual(minimal);
});

test('what v1beta1 lacks is kept in annotations, and taken from them', () => {
  const { myASN } = minimal;
  const spec = {
    myASN,
    localASN: 64999,
    dynamicASN: 'external',
    interface: 'eth1',
    connectTime: '10s',
    passwordSecret: { name: 'bgp', namespace: 'metallb-system' },
    enableGracefulRestart: false,
    vrf: 'red',
    disableMP: true,
    dualStackAddressFamily: true,
  };
  const old = convert(peer(v1beta2, spec, { other: 'stays' }), v1beta1);
  expect(old).toEqual(
    peer(
      v1beta1,
      { myASN, peerASN: 0, peerAddress: '' },
      {
        other: 'stays',
        'v1beta2.metallb.io/localASN': '64999',
        'v1beta2.metallb.io/dynamicASN': '"external"',
        'v1beta2.metallb.io/interface': '"eth1"',
        'v1beta2.metallb.io/connectTime': '"10s"',
        'v1beta2.metallb.io/passwordSecret': '{"name":"bgp","namespace":"metallb-system"}',
        'v1beta2.metallb.io/enableGracefulRestart': 'false',
        'v1beta2.metallb.io/vrf': '"red"',
        'v1beta2.metallb.io/disableMP': 'true',
        'v1beta2.metallb.io/dualStackAddressFamily': 'true',
      },
    ),
  );
  expect(convert(old, v1beta2)).toEqual(peer(v1beta2, spec, { other: 'stays' }));
});

test('a password is never in an annotation', () => {
  const old = convert(peer(v1beta2, { ...minimal, password: 'pa55', vrf: 'red' }), v1beta1);
  expect(old.metadata.annotations).toEqual({ [`${prefix}vrf`]: '"red"' });
  expect(old.spec).toMatchObject({ password: 'pa55' });
});

test('what the API server writes for fields that are not set needs no annotation', () => {
  const spec = { ...minimal, disableMP: false, dualStackAddressFamily: false };
  expect(convert(peer(v1beta2, spec), v1beta1)).toEqual(peer(v1beta1, minimal));
});

test('an annotation that v1beta2 brings along is not believed', () => {
  const forged = { [`${prefix}vrf`]: '"blue"' };
  expect(convert(peer(v1beta2, minimal, forged), v1beta1)).toEqual(peer(v1beta1, minimal));
});

test('what is far too long is dropped, and nothing else', () => {
  const old = convert(peer(v1beta2, { ...minimal, vrf: 'x'.repeat(5000), interface: 'eth1' }), v1beta1);
  expect(old).toEqual(peer(v1beta1, minimal, { [`${prefix}interface`]: '"eth1"' }));
});

test('an object without spec has none afterwards', () => {
  const { spec: _, ...bare } = peer(v1beta2, {});
  expect(convert(bare, v1beta1)).toEqual({ ...bare, apiVersion: v1beta1 });
  expect(convert({ ...bare, apiVersion: v1beta1 }, v1beta2)).toEqual(bare);
});

test('an object that has the version already is given back', () => {
  const object = peer(v1beta2, minimal, { [`${prefix}vrf`]: 'as it was' });
  expect(convert(object, v1beta2)).toBe(object);
});

test.each([
  [undefined, v1beta2, 'a BGPPeer must be an object'],
  [[], v1beta2, 'a BGPPeer must be an object'],
  [{ ...peer(v1beta1, {}), metadata: 'x' }, v1beta2, 'BGPPeer: metadata: must be an object'],
  [{ ...peer(v1beta1, {}), kind: 'Pool' }, v1beta2, 'BGPPeer metallb-system/router: kind: must be BGPPeer'],
  [
    peer('metallb.io/v1', {}),
    v1beta2,
    'BGPPeer metallb-system/router: apiVersion: must be metallb.io/v1beta1 or metallb.io/v1beta2',
  ],
  [peer(v1beta2, {}), 'metallb.io/v9', 'BGPPeer metallb-system/router: there is no version "metallb.io/v9" of it'],
  [{ ...peer(v1beta1, {}), spec: 5 }, v1beta2, 'BGPPeer metallb-system/router: spec: must be an object'],
  [
    { ...peer(v1beta1, {}), metadata: { name: 'router', namespace: 'metallb-system', annotations: [] } },
    v1beta2,
    'BGPPeer metallb-system/router: metadata.annotations: must be an object',
  ],
])('bad input is refused by name: %#', (object, version, error) => {
  expect(errorOf(object, version)).toBe(error);
});

test.each([
  ['vrf', 'red'],
  ['vrf', '5'],
  ['vrf', 5],
  ['localASN', '"64512"'],
  ['passwordSecret', '{"name":5}'],
  ['vrf', JSON.stringify('x'.repeat(5000))],
])('an annotation that was changed is refused: %s: %s', (field, value) => {
  expect(errorOf(peer(v1beta1, minimal, { [prefix + field]: value }), v1beta2)).toBe(
    `BGPPeer metallb-system/router: metadata.annotations[v1beta2.metallb.io/${field}]: ` +
      `must be what spec.${field} is in metallb.io/v1beta2, as JSON`,
  );
});

test.each(['password', 'myASN', 'toString', ''])('an annotation for a field %j is refused', (field) => {
  expect(errorOf(peer(v1beta1, minimal, { [prefix + field]: '"pa55"' }), v1beta2)).toBe(
    `BGPPeer metallb-system/router: metadata.annotations[v1beta2.metallb.io/${field}]: ` +
      'metallb.io/v1beta2 has no such field beyond metallb.io/v1beta1',
  );
});

const word = fc.string({ minLength: 1, maxLength: 12 });
const asn = fc.integer({ min: 1, max: 0xffff_ffff });
const duration = fc.constantFrom('0s', '3s', '1m30s', '500ms');
const selectors = fc.array(
  fc.record(
    {
      matchLabels: fc.dictionary(word, word),
      matchExpressions: fc.array(
        fc.record({ key: word, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(word, { minLength: 1 }) }),
      ),
    },
    { requiredKeys: [] },
  ),
);

const sharedFields = {
  sourceAddress: word,
  peerPort: fc.integer({ min: 1, max: 16384 }),
  holdTime: duration,
  keepaliveTime: duration,
  routerID: word,
  nodeSelectors: selectors,
  password: fc.constant('pa55word'),
  bfdProfile: word,
  ebgpMultiHop: fc.boolean(),
};

const newSpec = fc.record(
  {
    ...sharedFields,
    myASN: asn,
    peerASN: asn,
    peerAddress: word,
    localASN: asn,
    dynamicASN: word,
    interface: word,
    connectTime: duration,
    passwordSecret: fc.record({ name: word, namespace: word }, { requiredKeys: [] }),
    enableGracefulRestart: fc.boolean(),
    vrf: word,
    disableMP: fc.constant(true),
    dualStackAddressFamily: fc.constant(true),
  },
  { requiredKeys: ['myASN'] },
);

const oldSpec = fc.record(
  { ...sharedFields, myASN: asn, peerASN: asn, peerAddress: word },
  { requiredKeys: ['myASN', 'peerASN', 'peerAddress'] },
);

/** A proper JSON value: without the prototype-less objects that fast-check makes. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const annotations = fc.option(fc.dictionary(word, word, { minKeys: 1 }), { nil: undefined });

test('a peer of v1beta2 that goes through v1beta1 is what it was', () => {
  fc.assert(
    fc.property(newSpec, annotations, (spec, notes) => {
      const before = plain(peer(v1beta2, spec, notes));
      const between = convert(before, v1beta1);
      expect(bgpPeerV1beta1.safeParse(between).success).toBe(true);
      expect(JSON.stringify(between.metadata)).not.toContain('pa55word');
      expect(convert(plain(between), v1beta2)).toEqual(before);
    }),
  );
});

test('a peer of v1beta1 that goes through v1beta2 is what it was', () => {
  fc.assert(
    fc.property(oldSpec, annotations, (spec, notes) => {
      const before = plain(peer(v1beta1, spec, notes));
      const between = convert(before, v1beta2);
      expect(bgpPeer.safeParse(between).success).toBe(true);
      expect(convert(plain(between), v1beta1)).toEqual(before);
    }),
  );
});

test('what is changed in v1beta1 is changed in v1beta2, and the rest stays', () => {
  fc.assert(
    fc.property(newSpec, asn, (spec, myASN) => {
      const before = plain(peer(v1beta2, spec));
      const between = convert(before, v1beta1);
      const after = convert({ ...between, spec: { ...between.spec, myASN } }, v1beta2);
      expect(after).toEqual({ ...before, spec: { ...before.spec, myASN } });
    }),
  );
});

test('nothing that JSON can hold makes it throw, and nothing is changed in place', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.record({
      apiVersion: fc.constantFrom(v1beta1, v1beta2),
      kind: fc.constant('BGPPeer'),
      metadata: fc.oneof(
        fc.jsonValue(),
        fc.record({ annotations: fc.dictionary(fc.constantFrom(`${prefix}vrf`, 'a'), fc.jsonValue()) }),
      ),
      spec: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom(v1beta1, v1beta2), (value, version) => {
      const object = plain(value);
      const before = JSON.stringify(object);
      const converted = convertBgpPeer(object, version);
      expect(JSON.stringify(object)).toBe(before);
      if (converted.ok) expect((converted.value as Peer).apiVersion).toBe(version);
    }),
  );
});
