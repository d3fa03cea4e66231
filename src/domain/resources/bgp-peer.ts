import * as z from 'zod/mini';
import { durationText, wholeSecondsText } from './duration-text.ts';
import { field } from './field.ts';
import { requiredValuesSelectorList, selectorList } from './label-selector.ts';

/** The largest number of four octets (RFC 6793). */
const maxAsn = 0xffff_ffff;

const asn = (minimum = 0) => z.int().check(z.minimum(minimum), z.maximum(maxAsn));

const wholeNumber = { type: 'integer', format: 'int64' } as const;

/** What both versions have, in the same words. */
const shared = {
  myASN: field(asn(), 'The AS number of our side of the session.', wholeNumber),
  sourceAddress: field(
    z.optional(z.string()),
    'The IP address of the node that the session comes from. Without one the routing of the node chooses.',
  ),
  holdTime: durationText(
    'The hold time to ask for (RFC 4271): the session ends when the peer is silent for so long. 0s keeps it up ' +
      'however long the peer is silent; otherwise it is at least 3s. Without it, three times keepaliveTime.',
  ),
  keepaliveTime: durationText(
    'How often we tell the peer that we live (RFC 4271). Not more than holdTime; without it a third of that.',
  ),
  routerID: field(
    z.optional(z.string()),
    'The BGP identifier of our side, written as an IPv4 address. Without one each node uses an address of its own.',
  ),
  password: field(
    z.optional(z.string()),
    'The password of the session (TCP MD5, RFC 2385), readable to all who may read this object.',
  ),
  bfdProfile: field(
    z.optional(z.string()),
    'The name of a BFDProfile: with it a BFD session finds a lost peer sooner than the hold time does.',
  ),
  ebgpMultiHop: field(
    z.optional(z.boolean()),
    'Whether the peer, of another AS, is more than one hop away. Not for a peer of our own AS.',
  ),
};

const passwordSecret = field(
  z.optional(
    z.object({
      name: field(z.optional(z.string()), 'The name of the Secret.'),
      namespace: field(
        z.optional(z.string()),
        'Not looked at: the Secret is always taken from the namespace MetalLB runs in.',
      ),
    }),
  ),
  'A Secret of type kubernetes.io/basic-auth with the password of the session under the key password, in the namespace ' +
    'MetalLB runs in. Instead of password.',
  { 'x-kubernetes-map-type': 'atomic' },
);

/** `BGPPeer.spec` of `metallb.io/v1beta2`. */
export const bgpPeerSpec = field(
  z.object({
    myASN: shared.myASN,
    peerASN: field(
      z.optional(asn()),
      'The AS number of the peer: equal to myASN for iBGP, another for eBGP. Either this or dynamicASN.',
      wholeNumber,
    ),
    localASN: field(
      z.optional(asn(1)),
      'The AS number to show to this peer instead of myASN, which then appears nowhere in the session.',
      wholeNumber,
    ),
    dynamicASN: field(
      z.optional(z.string()),
      'Takes the AS number of the peer as the peer gives it: internal accepts only myASN, external only others. Either ' +
        'this or peerASN.',
      { enum: ['internal', 'external'] },
    ),
    peerAddress: field(z.optional(z.string()), 'The IP address of the peer. Either this or interface.'),
    interface: field(
      z.optional(z.string()),
      'The network interface of the node behind which the peer is found by its link-local IPv6 address (unnumbered ' +
        'BGP), such as eth0. Either this or peerAddress.',
    ),
    sourceAddress: shared.sourceAddress,
    peerPort: field(
      // Parsing allows every port: the ConfigMap of old versions did.
      z._default(z.int().check(z.minimum(1), z.maximum(0xffff)), 179),
      'The TCP port of the peer.',
      { type: 'integer', maximum: 16384 },
    ),
    holdTime: shared.holdTime,
    keepaliveTime: shared.keepaliveTime,
    connectTime: wholeSecondsText('How long to wait before another attempt to connect.'),
    routerID: shared.routerID,
    nodeSelectors: selectorList(
      'Selectors on node labels: only nodes that one of them matches have a session with the peer. Without any, all ' +
        'nodes do.',
    ),
    password: shared.password,
    passwordSecret,
    bfdProfile: shared.bfdProfile,
    enableGracefulRestart: field(
      z.optional(z.boolean()),
      'Asks the peer to keep our routes while the speaker restarts (RFC 4724). It cannot be changed later, as that ' +
        'needs a new session.',
      {
        'x-kubernetes-validations': [
          { rule: 'self == oldSelf', message: 'EnableGracefulRestart cannot be changed after creation' },
        ],
      },
    ),
    ebgpMultiHop: shared.ebgpMultiHop,
    vrf: field(z.optional(z.string()), 'The Linux VRF of the node that the session comes from.'),
    disableMP: field(
      z._default(z.boolean(), false),
      'Deprecated and without effect: a session carries one address family unless dualStackAddressFamily is set.',
    ),
    dualStackAddressFamily: field(
      z._default(z.boolean(), false),
      'Whether the session carries both IPv4 and IPv6 routes, and not only those of the family of its own addresses.',
    ),
  }),
  'Who the peer is, which nodes talk to it, and how.',
);

/** `BGPPeer.spec` of `metallb.io/v1beta1`. */
const bgpPeerSpecV1beta1 = field(
  z.object({
    myASN: shared.myASN,
    peerASN: field(asn(), 'The AS number of the peer: equal to myASN for iBGP, another for eBGP.', wholeNumber),
    peerAddress: field(z.string(), 'The IP address of the peer.'),
    sourceAddress: shared.sourceAddress,
    peerPort: field(
      z.optional(z.int().check(z.minimum(0), z.maximum(0xffff))),
      'The TCP port of the peer; 179 if it is 0 or not given.',
      { type: 'integer', maximum: 16384 },
    ),
    holdTime: shared.holdTime,
    keepaliveTime: shared.keepaliveTime,
    routerID: shared.routerID,
    nodeSelectors: requiredValuesSelectorList(
      'Selectors on node labels: only nodes that one of them matches have a session with the peer. Without any, all ' +
        'nodes do.',
    ),
    password: shared.password,
    bfdProfile: shared.bfdProfile,
    ebgpMultiHop: shared.ebgpMultiHop,
  }),
  'Who the peer is, which nodes talk to it, and how.',
);

const noStatus = field(
  z.optional(z.object({})),
  'Empty: which peers a service is announced to stands in its ServiceBGPStatus.',
);

const description =
  'A BGP router that nodes have a session with, to announce addresses of services to. It counts in the namespace ' +
  'MetalLB runs in.';

/** A `BGPPeer` of `metallb.io/v1beta2`, apart from its metadata. */
export const bgpPeer = field(z.object({ spec: z.optional(bgpPeerSpec), status: noStatus }), description);

/** A `BGPPeer` of the deprecated `metallb.io/v1beta1`, apart from its metadata. */
export const bgpPeerV1beta1 = field(
  z.object({ spec: z.optional(bgpPeerSpecV1beta1), status: noStatus }),
  `${description} This version is deprecated: write metallb.io/v1beta2 instead.`,
);
