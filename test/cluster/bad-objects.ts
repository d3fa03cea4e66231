/** An object that the API server has to refuse, and what it has to say. */
export type BadObject = {
  /** What is wrong with it. */
  readonly name: string;
  readonly yaml: string;
  /** A part of the refusal that `kubectl apply` prints. */
  readonly message: string;
};

const pool = (name: string, spec: string, message: string): BadObject => ({
  name,
  yaml: `apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: bad, namespace: metallb-system}\n${spec}\n`,
  message,
});

/** A pool with these entries of `addresses`, in the flow style of YAML. */
const addresses = (name: string, entries: string, message: string): BadObject =>
  pool(name, `spec: {addresses: [${entries}]}`, message);

/** A pool with this `serviceAllocation`, in the flow style of YAML. */
const allocation = (name: string, fields: string, message: string): BadObject =>
  pool(name, `spec: {addresses: [192.0.2.0/24], serviceAllocation: {${fields}}}`, message);

/** An advertisement with this spec, in the flow style of YAML. */
const advertisement = (name: string, fields: string, message: string): BadObject => ({
  name,
  yaml: `apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: bad, namespace: metallb-system}\nspec: {${fields}}\n`,
  message,
});

const atFirst = 'spec.addresses[0]: Invalid value:';
const writeA = 'write a CIDR such as 192.0.2.0/24 or 2001:db8::/120, or a range such as 192.0.2.10-192.0.2.20';

/** What a schema can see. Overlaps, and ranges that end before they begin, are found by the assembly. */
export const badObjects: readonly BadObject[] = [
  pool('a pool without spec', '', 'spec: Required value'),
  pool('a pool without addresses', 'spec: {autoAssign: true}', 'spec.addresses: Required value'),
  addresses(
    'an empty list of addresses',
    '',
    'spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items',
  ),
  pool('text for a list of addresses', 'spec: {addresses: 192.0.2.0/24}', 'spec.addresses: Invalid value: "string"'),
  addresses('a number for an address', '42', 'spec.addresses[0]: Invalid value: "integer"'),
  addresses('an empty entry', '""', `invalid CIDR "": ${writeA}`),
  addresses('a host name', 'lb.example.com/24', `${atFirst} "string": invalid CIDR "lb.example.com/24": ${writeA}`),
  addresses('an address without prefix length', '192.0.2.1', `invalid CIDR "192.0.2.1": ${writeA}`),
  addresses(
    'the second entry of two',
    '192.0.2.0/24, 192.0.3.0',
    'spec.addresses[1]: Invalid value: "string": invalid CIDR "192.0.3.0"',
  ),
  addresses('an IPv4 prefix that is too long', '192.0.2.0/33', 'invalid CIDR "192.0.2.0/33"'),
  addresses('a prefix with a leading zero', '192.0.2.0/024', 'invalid CIDR "192.0.2.0/024"'),
  addresses('an octet above 255', '192.0.256.0/24', 'invalid CIDR "192.0.256.0/24"'),
  addresses('an octet with a leading zero', '192.0.02.0/24', 'invalid CIDR "192.0.02.0/24"'),
  addresses('three octets', '192.0.2/24', 'invalid CIDR "192.0.2/24"'),
  addresses('blanks around a CIDR', '" 192.0.2.0/24"', 'invalid CIDR " 192.0.2.0/24"'),
  addresses('an IPv6 prefix that is too long', '"2001:db8::/129"', 'invalid CIDR "2001:db8::/129"'),
  addresses('an IPv6 address with two gaps', '"2001::db8::/64"', 'invalid CIDR "2001::db8::/64"'),
  addresses('nine groups', '"1:2:3:4:5:6:7:8:9/64"', 'invalid CIDR "1:2:3:4:5:6:7:8:9/64"'),
  addresses('a zone', '"fe80::1%eth0/64"', 'invalid CIDR "fe80::1%eth0/64"'),
  addresses('two entries in one', '"192.0.2.0/24,192.0.3.0/24"', 'invalid CIDR "192.0.2.0/24,192.0.3.0/24"'),
  addresses(
    'a range with a bad start',
    '192.0.2.300-192.0.2.9',
    'invalid IP range "192.0.2.300-192.0.2.9": invalid start IP',
  ),
  addresses('a range that ends in an octet', '192.0.2.1-9', 'invalid IP range "192.0.2.1-9": invalid end IP'),
  addresses('a range of CIDRs', '192.0.2.0/25-192.0.2.128/25', 'invalid start IP'),
  addresses('a range with three ends', '192.0.2.1-192.0.2.2-192.0.2.3', 'invalid end IP'),
  addresses(
    'a range across families',
    '"192.0.2.1-2001:db8::1"',
    'invalid IP range "192.0.2.1-2001:db8::1": start and end are of different families',
  ),
  addresses(
    'an entry that is far too long',
    `"${'2001:db8::1-'.repeat(20)}"`,
    'spec.addresses[0]: Too long: may not be more than 84 bytes',
  ),
  addresses(
    'too many entries',
    '192.0.2.1/32, '.repeat(2049),
    'spec.addresses: Too many: 2049: must have at most 2048 items',
  ),
  pool(
    'text for a truth value',
    'spec: {addresses: [192.0.2.0/24], autoAssign: "no"}',
    'spec.autoAssign: Invalid value: "string"',
  ),
  allocation('a fraction for a priority', 'priority: 1.5', 'spec.serviceAllocation.priority: Invalid value: "number"'),
  allocation(
    'a namespace given twice',
    'namespaces: [a, b, a]',
    'spec.serviceAllocation.namespaces[2]: Duplicate value: "a"',
  ),
  allocation(
    'an operator that does not exist',
    'serviceSelectors: [{matchExpressions: [{key: a, operator: Equals, values: [b]}]}]',
    'operator: Unsupported value: "Equals": supported values: "In", "NotIn", "Exists", "DoesNotExist"',
  ),
  allocation(
    'In without values',
    'serviceSelectors: [{matchExpressions: [{key: a, operator: In}]}]',
    'matchExpressions[0]: Invalid value: "object": values must not be empty for the operators In and NotIn',
  ),
  allocation(
    'Exists with values',
    'namespaceSelectors: [{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]',
    'matchExpressions[0]: Invalid value: "object": values must be empty for the operators Exists and DoesNotExist',
  ),
  allocation(
    'an expression without key',
    'serviceSelectors: [{matchExpressions: [{operator: Exists}]}]',
    'spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].key: Required value',
  ),
  allocation(
    'a key that no label can have',
    'serviceSelectors: [{matchExpressions: [{key: "a b", operator: Exists}]}]',
    'matchExpressions[0].key: Invalid value: "a b"',
  ),
  advertisement('one pool as text', 'ipAddressPools: first', 'spec.ipAddressPools: Invalid value: "string"'),
  advertisement('a pool given twice', 'ipAddressPools: [a, a]', 'spec.ipAddressPools[1]: Duplicate value: "a"'),
  advertisement(
    'a node selector with an unknown operator',
    'nodeSelectors: [{matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}]',
    'operator: Unsupported value: "Gt"',
  ),
  advertisement('interfaces as text', 'interfaces: eth0', 'spec.interfaces: Invalid value: "string"'),
  advertisement(
    'a weight of 0',
    'preferredNodeSelectors: [{weight: 0, preference: {}}]',
    'spec.preferredNodeSelectors[0].weight: Invalid value: 0: spec.preferredNodeSelectors[0].weight in body should be greater than or equal to 1',
  ),
  advertisement(
    'a weight above 100',
    'preferredNodeSelectors: [{weight: 101, preference: {}}]',
    'spec.preferredNodeSelectors[0].weight in body should be less than or equal to 100',
  ),
  advertisement('a preference without weight', 'preferredNodeSelectors: [{preference: {}}]', 'weight: Required value'),
  advertisement('a weight without preference', 'preferredNodeSelectors: [{weight: 5}]', 'preference: Required value'),
  advertisement('a field that does not exist', 'ipAddressPool: [first]', 'unknown field "spec.ipAddressPool"'),
];
