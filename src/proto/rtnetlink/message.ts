import { ByteReader, ByteWriter, decoding, type DecodeError } from '../../lib/bytes.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Result } from '../../lib/result.ts';
import { LinkAttribute, NetlinkFlag, NetlinkMessageType, skipStatistics } from './iana.ts';

/** A network interface as the kernel describes it (rtnetlink(7)). */
export type Link = {
  readonly index: number;
  readonly name: string;
  /** Hardware type, `linkTypeEthernet` or another. */
  readonly type: number;
  /** Bits of `LinkFlag` and others. */
  readonly flags: number;
  /** Undefined unless the hardware address has six octets. */
  readonly mac: Mac | undefined;
  /** Index of the bridge, bond, team or VRF that the link belongs to. */
  readonly master: number | undefined;
};

/**
 * One message from the kernel; those that do not concern links as such are left out. `sequence` is that of the request,
 * `errno` is positive.
 */
export type LinkMessage =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkRemoved'; readonly index: number }
  /** Links changed while they were dumped, so that some may be missing. */
  | { readonly type: 'interrupted'; readonly sequence: number }
  /** The answer to a dump is complete, or ends here if `errno` is not 0. */
  | { readonly type: 'done'; readonly sequence: number; readonly errno: number }
  /** A request failed; 0 is an acknowledgement. */
  | { readonly type: 'error'; readonly sequence: number; readonly errno: number };

// Netlink speaks in the byte order of the host; both architectures we run on are little-endian.

const headerLength = 16;
const linkHeaderLength = 16;
const attributeHeaderLength = 4;

/** A request for all links, without their statistics. */
export const encodeLinkDump = (sequence: number): Uint8Array => {
  const attributeLength = attributeHeaderLength + 4;
  const length = headerLength + linkHeaderLength + attributeLength;
  return new ByteWriter(length)
    .u32le(length)
    .u16le(NetlinkMessageType.getLink)
    .u16le(NetlinkFlag.request | NetlinkFlag.dump)
    .u32le(sequence)
    .u32le(0) // from whom: the kernel knows
    .octets(new Uint8Array(linkHeaderLength)) // every link
    .u16le(attributeLength)
    .u16le(LinkAttribute.extensionMask)
    .u32le(skipStatistics)
    .finish();
};

/** Decodes one datagram, which holds any number of messages. */
export const decodeLinkMessages = (bytes: Uint8Array): Result<readonly LinkMessage[], DecodeError> =>
  decoding('rtnetlink', bytes, (r) => {
    const messages: LinkMessage[] = [];
    while (r.remaining > 0) {
      const length = r.u32le();
      const type = r.u16le();
      const flags = r.u16le();
      const sequence = r.u32le();
      r.u32le(); // to whom
      const body = readAligned(r, length, headerLength);
      if ((flags & NetlinkFlag.dumpInterrupted) !== 0) messages.push({ type: 'interrupted', sequence });
      const message = readMessage(type, sequence, body);
      if (message !== undefined) messages.push(message);
    }
    return messages;
  });

const readMessage = (type: number, sequence: number, r: ByteReader): LinkMessage | undefined => {
  switch (type) {
    case NetlinkMessageType.done:
      return { type: 'done', sequence, errno: r.remaining === 0 ? 0 : readErrno(r) };
    case NetlinkMessageType.error:
      return { type: 'error', sequence, errno: readErrno(r) };
    case NetlinkMessageType.newLink:
    case NetlinkMessageType.deleteLink: {
      const family = r.u16le() & 0xff;
      const hardwareType = r.u16le();
      const index = r.u32le();
      const flags = r.u32le();
      r.u32le(); // which flags have changed
      // Other families tell about the ports of bridges and the like; a port that leaves its bridge is still a link.
      if (family !== 0) return undefined;
      if (type === NetlinkMessageType.deleteLink) return { type: 'linkRemoved', index };
      return { type: 'link', link: { index, type: hardwareType, flags, ...readAttributes(r) } };
    }
    default:
      return undefined;
  }
};

const readAttributes = (r: ByteReader): Pick<Link, 'name' | 'mac' | 'master'> => {
  let name = '';
  let mac: Mac | undefined;
  let master: number | undefined;
  while (r.remaining >= attributeHeaderLength) {
    const length = r.u16le();
    const type = r.u16le();
    const value = readAligned(r, length, attributeHeaderLength);
    if (type === LinkAttribute.name)
      name = new TextDecoder().decode(value.octets(value.remaining)).replace(/\0.*$/s, '');
    else if (type === LinkAttribute.address && value.remaining === 6) mac = value.mac();
    else if (type === LinkAttribute.master) master = value.u32le();
  }
  return { name, mac, master };
};

/** The rest of something `length` octets long whose header has been read, and the octets after it up to a whole word. */
const readAligned = (r: ByteReader, length: number, header: number): ByteReader => {
  const body = new ByteReader('rtnetlink', r.octets(length - header));
  r.octets(Math.min(r.remaining, -length & 3));
  return body;
};

/** A negative number of 32 bits, as a positive one. */
const readErrno = (r: ByteReader): number => -r.u32le() | 0;
