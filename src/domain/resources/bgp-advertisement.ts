import * as z from 'zod/mini';
import { field } from './field.ts';
import { selectorList } from './label-selector.ts';

const names = (description: string) =>
  field(z.optional(z.array(z.string())), description, { 'x-kubernetes-list-type': 'set' });

/** `BGPAdvertisement.spec`. */
export const bgpAdvertisementSpec = field(
  z.object({
    aggregationLength: field(
      z._default(z.int().check(z.minimum(1)), 32),
      'The length of the IPv4 prefixes to announce: with 24, the whole /24 around an address in use. Not shorter than ' +
        'the entries of the pools.',
      { type: 'integer', format: 'int32', maximum: 32 },
    ),
    aggregationLengthV6: field(
      z._default(z.int(), 128),
      'The length of the IPv6 prefixes to announce. Not shorter than the entries of the pools.',
      { type: 'integer', format: 'int32', minimum: 0, maximum: 128 },
    ),
    localPref: field(
      z.optional(z.int()),
      'The LOCAL_PREF of the routes: iBGP peers prefer the route with the highest. eBGP peers do not get it.',
      { type: 'integer', format: 'int64', minimum: 0, maximum: 0xffff_ffff },
    ),
    communities: names(
      'The communities of the routes: 64512:100 (two numbers up to 65535), large:64512:1:2 (three numbers up to ' +
        '4294967295), or a name that a Community gives to one of these.',
    ),
    ipAddressPools: names(
      'The pools to announce, by name; names of pools that do not exist are passed over. With neither names nor ' +
        'ipAddressPoolSelectors all pools are announced.',
    ),
    ipAddressPoolSelectors: selectorList(
      'Selectors on the labels of IPAddressPools: pools that one of them matches are announced, as well as those in ' +
        'ipAddressPools.',
    ),
    nodeSelectors: selectorList(
      'Selectors on node labels: only nodes that one of them matches announce, as next hops. Without any, all nodes do.',
    ),
    peers: names(
      'The BGPPeers to announce to, by name; names of peers that do not exist are passed over. Without any, all peers.',
    ),
    serviceSelectors: selectorList(
      'Selectors on service labels: only services that one of them matches are announced. Without any, all services ' +
        'with addresses of the pools are. Not together with an aggregation length other than 32 and 128.',
    ),
  }),
  'What is announced, by which nodes, to whom, and with which attributes.',
  {
    'x-kubernetes-validations': [
      {
        rule:
          '!has(self.serviceSelectors) || self.serviceSelectors.size() == 0 || ' +
          '((!has(self.aggregationLength) || self.aggregationLength == 32) && ' +
          '(!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))',
        message:
          'serviceSelectors and aggregationLength are mutually exclusive, can only be used together with default ' +
          'aggregationLength (32) and aggregationLengthV6 (128)',
      },
    ],
  },
);

/** A `BGPAdvertisement`, apart from its metadata. */
export const bgpAdvertisement = field(
  z.object({
    spec: z.optional(bgpAdvertisementSpec),
    status: field(
      z.optional(z.object({})),
      'Empty: which peers a service is announced to stands in its ServiceBGPStatus.',
    ),
  }),
  'Announces the addresses of IPAddressPools to BGP peers. It counts in the namespace MetalLB runs in. With an empty ' +
    'spec the addresses of all pools are announced to all peers by all nodes.',
);
