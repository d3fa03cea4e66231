/** The protocol is our own: nobody but us assigns these numbers. A change that old speakers misread takes a new version. */
export const ownershipVersion = 1;

/** The second octet of a message. */
export const MessageCode = {
  beacon: 1,
  claimsWanted: 2,
  claims: 3,
  challenge: 4,
  challengeAnswer: 5,
  whoHears: 6,
  heard: 7,
  unheard: 8,
} as const;

/** The first octet of a beacon's body, bit by bit; the rest is zero. */
export const BeaconFlag = {
  owner: 0x01,
  listening: 0x02,
  leaving: 0x04,
  mainAwake: 0x08,
  copy: 0x10,
  ipv4: 0x20,
  ipv6: 0x40,
} as const;

/** The three low bits of a claim's first octet. */
export const ClaimCode = { held: 1, probing: 2, yielding: 3, released: 4, dropped: 5 } as const;

/** The other bits of a claim's first octet; the rest is zero. */
export const ClaimFlag = { ipv6: 0x08, successor: 0x10, revision: 0x20 } as const;

/** Octets of a sealed message at most: with the headers of IPv6 and UDP it leaves Ethernet 52 octets for a tunnel. */
export const longestSealed = 1400;

/** Octets that a seal adds: which key, and the authenticator. */
export const keyIdLength = 4;
export const authenticatorLength = 16;

/** Octets of a message at most. */
export const longestMessage = longestSealed - keyIdLength - authenticatorLength;

/** Octets of a node's name (RFC 1123 subdomain, as Kubernetes limits it). */
export const longestNodeName = 253;

/** Octets of an interface's name: the fifteen that Linux allows, each three if it is not UTF-8. */
export const longestInterfaceName = 45;

/** Interfaces, and hashes of nodes, in a beacon. */
export const mostInterfaces = 16;
export const mostHeard = 256;

/** Parts of one list of claims. */
export const mostParts = 1024;
