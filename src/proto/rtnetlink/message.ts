import { DecodeError } from '../../lib/bytes.ts';
import type { Mac } from '../../lib/mac.ts';
import { err, ok, type Result } from '../../lib/result.ts';
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

/** One message from the kernel; those that do not concern links as such are left out. */
export type LinkMessage =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkRemoved'; readonly index: number }
  /** The answer to a dump is complete. */
  | { readonly type: 'done' }
  /** A request failed; `errno` is positive, 0 is an acknowledgement. */
  | { readonly type: 'error'; readonly errno: number };

const headerLength = 16;
const linkHeaderLength = 16;

/** Netlink speaks in the byte order of the host; both architectures we run on are little-endian. */
const littleEndian = true;

/** A request for all links, without their statistics. */
export const encodeLinkDump = (sequence: number): Uint8Array => {
  const bytes = new Uint8Array(headerLength + linkHeaderLength + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, littleEndian);
  view.setUint16(4, NetlinkMessageType.getLink, littleEndian);
  view.setUint16(6, NetlinkFlag.request | NetlinkFlag.dump, littleEndian);
  view.setUint32(8, sequence, littleEndian);
  const attribute = headerLength + linkHeaderLength;
  view.setUint16(attribute, 8, littleEndian);
  view.setUint16(attribute + 2, LinkAttribute.extensionMask, littleEndian);
  view.setUint32(attribute + 4, skipStatistics, littleEndian);
  return bytes;
};

/** Decodes one datagram, which holds any number of messages. */
export const decodeLinkMessages = (bytes: Uint8Array): Result<readonly LinkMessage[], DecodeError> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: LinkMessage[] = [];
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < headerLength) return truncated(offset);
    const length = view.getUint32(offset, littleEndian);
    if (length < headerLength || length > bytes.length - offset) return truncated(offset);
    const type = view.getUint16(offset + 4, littleEndian);
    const message = decodeMessage(type, bytes.subarray(offset + headerLength, offset + length));
    if (!message.ok) return message;
    if (message.value !== undefined) messages.push(message.value);
    offset += align(length);
  }
  return ok(messages);
};

const decodeMessage = (type: number, body: Uint8Array): Result<LinkMessage | undefined, DecodeError> => {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case NetlinkMessageType.done:
      return ok({ type: 'done' });
    case NetlinkMessageType.error:
      return body.length < 4 ? truncated(0) : ok({ type: 'error', errno: -view.getInt32(0, littleEndian) });
    case NetlinkMessageType.newLink:
    case NetlinkMessageType.deleteLink: {
      if (body.length < linkHeaderLength) return truncated(0);
      // Other families tell about the ports of bridges and the like; a port that leaves its bridge is still a link.
      if (view.getUint8(0) !== 0) return ok(undefined);
      const index = view.getInt32(4, littleEndian);
      return type === NetlinkMessageType.deleteLink
        ? ok({ type: 'linkRemoved', index })
        : decodeLink(index, view, body);
    }
    default:
      return ok(undefined);
  }
};

const decodeLink = (index: number, view: DataView, body: Uint8Array): Result<LinkMessage, DecodeError> => {
  let name = '';
  let mac: Mac | undefined;
  let master: number | undefined;
  for (let offset = linkHeaderLength; offset + 4 <= body.length;) {
    const length = view.getUint16(offset, littleEndian);
    if (length < 4 || length > body.length - offset) return truncated(offset);
    const value = body.subarray(offset + 4, offset + length);
    switch (view.getUint16(offset + 2, littleEndian)) {
      case LinkAttribute.address:
        if (value.length === 6) mac = Number.parseInt(value.toHex(), 16) as Mac;
        break;
      case LinkAttribute.name:
        name = new TextDecoder().decode(value).replace(/\0.*$/s, '');
        break;
      case LinkAttribute.master:
        if (value.length >= 4) master = view.getUint32(offset + 4, littleEndian);
        break;
      default:
        break;
    }
    offset += align(length);
  }
  const link = {
    index,
    name,
    type: view.getUint16(2, littleEndian),
    flags: view.getUint32(8, littleEndian),
    mac,
    master,
  };
  return ok({ type: 'link', link });
};

const align = (length: number): number => (length + 3) & ~3;

const truncated = (offset: number): { readonly ok: false; readonly error: DecodeError } =>
  err(new DecodeError('rtnetlink', `a length at offset ${offset} does not fit`));
