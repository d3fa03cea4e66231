/**
 * Numbers and limits of the memberlist protocol (github.com/hashicorp/memberlist v0.5.1, `net.go` and `security.go`).
 * No registry has them.
 */

/** The first octet of a message. */
export const MessageType = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compressed: 9,
  encrypted: 10,
  nack: 11,
  hasChecksum: 12,
  error: 13,
} as const;

/** States in a push/pull, by their number. */
export const nodeStates = ['alive', 'suspect', 'dead', 'left'] as const;

/** What is spoken here: protocol version from 1 to 5, 2 now; no delegate, so its versions are 0. */
export const ownVersions: Versions = [1, 5, 2, 0, 0, 0];

/** Protocol versions least, most and current, then those of the delegate. */
export type Versions = readonly [number, number, number, number, number, number];

/** The protocol version from which a member understands each thing. */
export const sinceVersion = { tcpPing: 3, nack: 4, checksum: 5 } as const;

/** The one algorithm of compression there is: LZW. */
export const lzwAlgorithm = 0;

/** Bounds of what is taken in. */
export const limits = {
  /** Members known at a time, this node and dead ones included. */
  members: 10_000,
  /** Octets of a node's name; Kubernetes allows 253. */
  name: 255,
  /** Octets of a node's metadata. */
  meta: 512,
  /** Octets of a packet, and of all that is decompressed from one. */
  packet: 65_536,
  /** Messages in one packet. */
  messages: 1024,
  /** Compound and compressed messages inside each other. */
  nesting: 4,
  /** Octets of a message on a stream: 10,000 members with names and metadata of usual length. */
  stream: 4 * 1024 * 1024,
  /** Octets of a stream's message once decompressed. */
  streamDecompressed: 8 * 1024 * 1024,
  /** Octets of the text of an error. */
  errorText: 1024,
} as const;
