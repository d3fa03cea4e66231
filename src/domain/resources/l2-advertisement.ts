import * as z from 'zod/mini';
import { field } from './field.ts';
import { selectorList, singleSelector } from './label-selector.ts';

const preferredNode = field(
  z.object({
    weight: field(z.int().check(z.minimum(1), z.maximum(100)), 'How much a matching node is preferred, 1 to 100.', {
      type: 'integer',
      format: 'int32',
    }),
    preference: singleSelector('A selector on node labels.'),
  }),
  'A kind of node, and how much it is preferred.',
);

/** `L2Advertisement.spec`. */
export const l2AdvertisementSpec = field(
  z.object({
    ipAddressPools: field(
      z.optional(z.array(z.string())),
      'The pools to announce, by name; names of pools that do not exist are passed over. With neither names nor ' +
        'ipAddressPoolSelectors all pools are announced.',
      { 'x-kubernetes-list-type': 'set' },
    ),
    ipAddressPoolSelectors: selectorList(
      'Selectors on the labels of IPAddressPools: pools that one of them matches are announced, as well as those in ' +
        'ipAddressPools.',
    ),
    nodeSelectors: selectorList(
      'Selectors on node labels: only nodes that one of them matches announce. Without any, all nodes do.',
    ),
    interfaces: field(
      z.optional(z.array(z.string())),
      'The network interfaces of the nodes to announce on, such as eth0. Without any, all interfaces are used, apart ' +
        'from those that the ConfigMap metallb-excludel2 leaves out.',
    ),
    serviceSelectors: selectorList(
      'Selectors on service labels: only services that one of them matches are announced. Without any, all services ' +
        'with addresses of the pools are. An address that services share (annotation metallb.io/allow-shared-ip) is ' +
        'announced if one of them is selected.',
    ),
    preferredNodeSelectors: field(
      z.optional(z.array(preferredNode)),
      'Nodes that should announce rather than others. The weights of all entries that match a node are added up, and ' +
        'the node with the highest sum is chosen.',
      { maxItems: 1024 },
    ),
  }),
  'What is announced, by which nodes, and where.',
);

/** An `L2Advertisement`, apart from its metadata. */
export const l2Advertisement = field(
  z.object({
    spec: z.optional(l2AdvertisementSpec),
    status: field(z.optional(z.object({})), 'Empty: what is announced where stands in the events of the services.'),
  }),
  'Announces the addresses of IPAddressPools on the local network: one node answers ARP (IPv4) and neighbour ' +
    'discovery (IPv6) for each address. It counts in the namespace MetalLB runs in. With an empty spec the addresses ' +
    'of all pools are announced by any node on all interfaces.',
);
