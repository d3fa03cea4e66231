import type { BadObject } from './bad-objects.ts';

/** An object with this spec, in the flow style of YAML. */
const bad =
  (kind: string, version = 'v1beta1') =>
  (name: string, fields: string, message: string): BadObject => ({
    name: `${kind} ${version}: ${name}`,
    yaml: `apiVersion: metallb.io/${version}\nkind: ${kind}\nmetadata: {name: bad, namespace: metallb-system}\nspec: {${fields}}\n`,
    message,
  });

const peer = bad('BGPPeer', 'v1beta2');
const oldPeer = bad('BGPPeer');
const advertisement = bad('BGPAdvertisement');
const profile = bad('BFDProfile');
const community = bad('Community');

const notADuration = (text: string) =>
  `invalid duration "${text}": write numbers with units, such as 90s, 1m30s or 500ms`;

const exclusive =
  'serviceSelectors and aggregationLength are mutually exclusive, can only be used together with default ' +
  'aggregationLength (32) and aggregationLengthV6 (128)';

/** The bounds of one number: what is below and what is above. */
const bounds = (make: typeof peer, field: string, minimum: number, maximum: number, others = ''): BadObject[] => [
  make(
    `${field} too small`,
    `${others}${field}: ${minimum - 1}`,
    `spec.${field}: Invalid value: ${minimum - 1}: spec.${field} in body should be greater than or equal to ${minimum}`,
  ),
  make(
    `${field} too large`,
    `${others}${field}: ${maximum + 1}`,
    `spec.${field}: Invalid value: ${maximum + 1}: spec.${field} in body should be less than or equal to ${maximum}`,
  ),
];

const maxAsn = 4_294_967_295;

/** What the API server sees in BGP's resources. What objects say about each other is found by the assembly. */
export const badResources: readonly BadObject[] = [
  peer('no AS number', 'peerASN: 64512', 'spec.myASN: Required value'),
  ...bounds(peer, 'myASN', 0, maxAsn),
  ...bounds(peer, 'peerASN', 0, maxAsn, 'myASN: 1, '),
  ...bounds(peer, 'localASN', 1, maxAsn, 'myASN: 1, '),
  ...bounds(peer, 'peerPort', 1, 16_384, 'myASN: 1, '),
  peer('an AS number as text', 'myASN: "64512"', 'spec.myASN: Invalid value: "string"'),
  peer(
    'an unknown way to find the AS number',
    'myASN: 1, dynamicASN: any',
    'spec.dynamicASN: Unsupported value: "any": supported values: "internal", "external"',
  ),
  ...['90', '90 s', '-90s', '', 'ninety seconds', '1h30'].flatMap((text) => [
    peer(`hold time "${text}"`, `myASN: 1, holdTime: "${text}"`, notADuration(text)),
    peer(`keepalive time "${text}"`, `myASN: 1, keepaliveTime: "${text}"`, notADuration(text)),
    peer(`connect time "${text}"`, `myASN: 1, connectTime: "${text}"`, notADuration(text)),
  ]),
  ...['0s', '500ms', '65536s', '19h'].map((text) =>
    peer(
      `connect time ${text}`,
      `myASN: 1, connectTime: ${text}`,
      'spec.connectTime: Invalid value: "string": connect time should be between 1 seconds to 65535',
    ),
  ),
  peer(
    'a connect time with a fraction',
    'myASN: 1, connectTime: 1500ms',
    'spec.connectTime: Invalid value: "string": connect time should contain a whole number of seconds',
  ),
  peer(
    'a node selector with an unknown operator',
    'myASN: 1, nodeSelectors: [{matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}]',
    'operator: Unsupported value: "Gt"',
  ),
  peer('a field that does not exist', 'myASN: 1, port: 179', 'unknown field "spec.port"'),
  oldPeer('no peer', 'myASN: 1', 'spec.peerASN: Required value'),
  oldPeer('no address', 'myASN: 1, peerASN: 2', 'spec.peerAddress: Required value'),
  oldPeer(
    'an expression without values',
    'myASN: 1, peerASN: 2, peerAddress: a, nodeSelectors: [{matchExpressions: [{key: a, operator: In}]}]',
    'spec.nodeSelectors[0].matchExpressions[0].values: Required value',
  ),
  oldPeer(
    'an expression with an empty list of values',
    'myASN: 1, peerASN: 2, peerAddress: a, nodeSelectors: [{matchExpressions: [{key: a, operator: In, values: []}]}]',
    'should have at least 1 items',
  ),
  ...bounds(advertisement, 'aggregationLength', 1, 32),
  ...bounds(advertisement, 'aggregationLengthV6', 0, 128),
  ...bounds(advertisement, 'localPref', 0, maxAsn),
  advertisement(
    'selectors on services with aggregated IPv4 addresses',
    'aggregationLength: 24, serviceSelectors: [{}]',
    `spec: Invalid value: "object": ${exclusive}`,
  ),
  advertisement(
    'selectors on services with aggregated IPv6 addresses',
    'aggregationLengthV6: 64, serviceSelectors: [{}]',
    exclusive,
  ),
  advertisement('a peer given twice', 'peers: [a, a]', 'spec.peers[1]: Duplicate value: "a"'),
  advertisement(
    'a community given twice',
    'communities: ["1:1", "1:1"]',
    'spec.communities[1]: Duplicate value: "1:1"',
  ),
  advertisement('a pool given twice', 'ipAddressPools: [a, a]', 'spec.ipAddressPools[1]: Duplicate value: "a"'),
  ...bounds(profile, 'receiveInterval', 10, 60_000),
  ...bounds(profile, 'transmitInterval', 10, 60_000),
  ...bounds(profile, 'detectMultiplier', 2, 255),
  ...bounds(profile, 'echoInterval', 10, 60_000),
  ...bounds(profile, 'minimumTtl', 1, 254),
  community('a value that is a number', 'communities: [{name: a, value: 5}]', 'value: Invalid value: "integer"'),
];
