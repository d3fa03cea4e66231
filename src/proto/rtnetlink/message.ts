import { type ByteReader, ByteWriter, type DecodeError } from '../../lib/bytes.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Result } from '../../lib/result.ts';
import { LinkAttribute, LinkEventCode, LinkInfoAttribute, NetlinkMessageType, skipStatistics } from './iana.ts';
import { decodeNetlink, type DumpMessage, encodeDumpRequest, readAttributes } from './netlink.ts';

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
  /** Index of the link of this host on whose segment it is as well: a macvlan's. */
  readonly lower: number | undefined;
};

/** One message from the kernel; those that do not concern links as such are left out. */
export type LinkMessage =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkRemoved'; readonly index: number }
  /**
   * Other hosts are to be told again where the addresses on the link are: a bond has failed over, or a virtual machine
   * has moved. Follows the `link`.
   */
  | { readonly type: 'notifyPeers'; readonly index: number }
  | DumpMessage;

const linkHeaderLength = 16;

/** A request for all links, without their statistics. */
export const encodeLinkDump = (sequence: number): Uint8Array => {
  const attributeLength = 8;
  const body = new ByteWriter(linkHeaderLength + attributeLength)
    .octets(new Uint8Array(linkHeaderLength)) // every link
    .u16le(attributeLength)
    .u16le(LinkAttribute.extensionMask)
    .u32le(skipStatistics)
    .finish();
  return encodeDumpRequest(NetlinkMessageType.getLink, sequence, body);
};

/** Decodes one datagram, which holds any number of messages. */
export const decodeLinkMessages = (bytes: Uint8Array): Result<readonly LinkMessage[], DecodeError> =>
  decodeNetlink(bytes, (type, r) =>
    type === NetlinkMessageType.newLink || type === NetlinkMessageType.deleteLink
      ? readLink(type === NetlinkMessageType.deleteLink, r)
      : [],
  );

const readLink = (isRemoved: boolean, r: ByteReader): readonly LinkMessage[] => {
  const family = r.u16le() & 0xff;
  const type = r.u16le();
  const index = r.u32le();
  const flags = r.u32le();
  r.u32le(); // which flags have changed
  // Other families tell about the ports of bridges and the like; a port that leaves its bridge is still a link.
  if (family !== 0) return [];
  if (isRemoved) return [{ type: 'linkRemoved', index }];
  let name = '';
  let mac: Mac | undefined;
  let master: number | undefined;
  let lower: number | undefined;
  let kind = '';
  let isElsewhere = false;
  let event: number | undefined;
  readAttributes(r, (attribute, value) => {
    if (attribute === LinkAttribute.name) name = readText(value);
    else if (attribute === LinkAttribute.address && value.remaining === 6) mac = value.mac();
    else if (attribute === LinkAttribute.master) master = value.u32le();
    else if (attribute === LinkAttribute.link) lower = value.u32le();
    else if (attribute === LinkAttribute.info) kind = readKind(value);
    else if (attribute === LinkAttribute.parentNamespace) isElsewhere = true;
    else if (attribute === LinkAttribute.event) event = value.u32le();
  });
  // A VLAN has a link below it, too, but a segment of its own.
  if (kind !== 'macvlan' || isElsewhere) lower = undefined;
  const message: LinkMessage = { type: 'link', link: { index, type, flags, name, mac, master, lower } };
  const isForPeers = event === LinkEventCode.bondingFailover || event === LinkEventCode.notifyPeers;
  return isForPeers ? [message, { type: 'notifyPeers', index }] : [message];
};

const readKind = (info: ByteReader): string => {
  let kind = '';
  readAttributes(info, (attribute, value) => {
    if (attribute === LinkInfoAttribute.kind) kind = readText(value);
  });
  return kind;
};

const readText = (value: ByteReader): string =>
  new TextDecoder().decode(value.octets(value.remaining)).replace(/\0.*$/s, '');
