import * as z from 'zod/mini';
import { addressRules, maxAddresses, maxAddressLength } from './address-rules.ts';
import { field, ruled } from './field.ts';
import { selectorList } from './label-selector.ts';

const serviceAllocation = z.object({
  priority: field(
    z.optional(z.int()),
    'Which pool is tried first when several pools are reserved for the same service: the lowest number wins. 0, or no ' +
      'number, comes last.',
    { type: 'integer' },
  ),
  namespaces: field(
    z.optional(z.array(z.string())),
    'Only services of these namespaces, and of those that namespaceSelectors finds, get addresses of the pool.',
    { 'x-kubernetes-list-type': 'set' },
  ),
  namespaceSelectors: selectorList(
    'Selectors on namespace labels. A namespace that one of them matches counts as if it stood in namespaces; it is ' +
      'looked at again whenever labels of a namespace change. With selectors that match no namespace nobody gets an ' +
      'address.',
  ),
  serviceSelectors: selectorList(
    'Selectors on service labels. Only services that one of them matches get addresses of the pool. With namespaces ' +
      'given as well, both must fit.',
  ),
});

/** `IPAddressPool.spec`. */
export const ipAddressPoolSpec = field(
  z.object({
    addresses: field(
      z.array(
        ruled(z.string(), {
          maxLength: maxAddressLength,
          'x-kubernetes-validations': addressRules,
        }),
      ),
      'The addresses of the pool, in the order in which they are given to services. Each entry is a CIDR ' +
        '(192.0.2.0/24, 2001:db8::/120; one address is 192.0.2.7/32) or a range (192.0.2.10-192.0.2.20). IPv4 and ' +
        'IPv6 may stand side by side. No address may be in two entries or in two pools: of two that overlap, the one ' +
        'of the older pool counts.',
      { minItems: 1, maxItems: maxAddresses },
    ),
    autoAssign: field(
      z._default(z.boolean(), true),
      'Whether services that ask for nothing in particular get addresses of this pool. With false a service has to ' +
        'name the pool (annotation metallb.io/address-pool) or one of its addresses (metallb.io/loadBalancerIPs).',
    ),
    avoidBuggyIPs: field(
      z._default(z.boolean(), false),
      'Leave out IPv4 addresses that end in .0 or .255, which some old network devices do not reach.',
    ),
    serviceAllocation: field(
      z.optional(serviceAllocation),
      'Reserves the pool for some namespaces or services. A reserved pool is tried before those that are open to all, ' +
        'and no other service gets an address of it. When it only holds a priority, it is reserved for every service.',
    ),
  }),
  'What the pool offers, and to whom.',
);

const counter = (description: string) => field(z.int(), description, { type: 'integer', format: 'int64' });

/** `IPAddressPool.status`. */
const ipAddressPoolStatus = field(
  z.object({
    assignedIPv4: counter('How many IPv4 addresses of the pool are in use.'),
    assignedIPv6: counter('How many IPv6 addresses of the pool are in use.'),
    availableIPv4: counter('How many IPv4 addresses of the pool are left.'),
    availableIPv6: counter('How many IPv6 addresses of the pool are left, 9223372036854775807 if there are more.'),
  }),
  'How far the pool is used up. The controller writes it.',
);

/** An `IPAddressPool`, apart from its metadata. */
export const ipAddressPool = field(
  z.object({ spec: ipAddressPoolSpec, status: z.optional(ipAddressPoolStatus) }),
  'A pool of IP addresses for services of type LoadBalancer. It counts in the namespace MetalLB runs in. To make the ' +
    'addresses reachable an advertisement has to cover the pool, an L2Advertisement for example.',
);
