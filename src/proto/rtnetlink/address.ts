import { type ByteReader, ByteWriter, type DecodeError } from '../../lib/bytes.ts';
import { type Ip, ipFromNumber, ipv4FromNumber } from '../../lib/ip.ts';
import type { Result } from '../../lib/result.ts';
import { AddressAttribute, AddressFamily, AddressFlag, addressScopeLink, NetlinkMessageType } from './iana.ts';
import { decodeNetlink, type DumpMessage, encodeDumpRequest, readAttributes } from './netlink.ts';

/** An address that an interface of this host has (rtnetlink(7)). */
export type InterfaceAddress = {
  /** Index of the interface. */
  readonly interface: number;
  readonly ip: Ip;
  /** Bits of the network. */
  readonly prefixLength: number;
  /** It is good on the link only. */
  readonly isLinkLocal: boolean;
};

/** One message from the kernel about addresses of IPv4 and IPv6. */
export type AddressMessage =
  | { readonly type: 'address'; readonly address: InterfaceAddress }
  /**
   * The address has gone, or may not be used: duplicate address detection goes on, or has found another host (RFC 4862
   * section 5.4).
   */
  | { readonly type: 'addressRemoved'; readonly address: InterfaceAddress }
  | DumpMessage;

const addressHeaderLength = 8;

/** A request for all addresses of both families. */
export const encodeAddressDump = (sequence: number): Uint8Array =>
  encodeDumpRequest(
    NetlinkMessageType.getAddress,
    sequence,
    new ByteWriter(addressHeaderLength).u32(0).u32(0).finish(),
  );

/** Decodes one datagram, which holds any number of messages. */
export const decodeAddressMessages = (bytes: Uint8Array): Result<readonly AddressMessage[], DecodeError> =>
  decodeNetlink(bytes, (type, r) =>
    type === NetlinkMessageType.newAddress || type === NetlinkMessageType.deleteAddress
      ? readAddress(type === NetlinkMessageType.deleteAddress, r)
      : [],
  );

const readAddress = (isRemoved: boolean, r: ByteReader): readonly AddressMessage[] => {
  const family = r.u8();
  const prefixLength = r.u8();
  let flags = r.u8();
  const scope = r.u8();
  const index = r.u32le();
  let address: Ip | undefined;
  let local: Ip | undefined;
  readAttributes(r, (attribute, value) => {
    if (attribute === AddressAttribute.address) address = readIp(family, value);
    else if (attribute === AddressAttribute.local) local = readIp(family, value);
    else if (attribute === AddressAttribute.flags) flags = value.u32le(); // the same, and more of them
  });
  const ip = local ?? address;
  if (ip === undefined) return [];
  const isTentative = (flags & (AddressFlag.tentative | AddressFlag.optimistic)) === AddressFlag.tentative;
  const isUsable = !isTentative && (flags & AddressFlag.duplicate) === 0;
  const isLinkLocal = scope === addressScopeLink;
  return [
    {
      type: isRemoved || !isUsable ? 'addressRemoved' : 'address',
      address: { interface: index, ip, prefixLength, isLinkLocal },
    },
  ];
};

/** Undefined for families that are not ours to judge. */
const readIp = (family: number, r: ByteReader): Ip | undefined => {
  switch (family) {
    case AddressFamily.ipv4:
      return ipv4FromNumber(r.u32());
    case AddressFamily.ipv6: {
      const high = (BigInt(r.u32()) << 32n) | BigInt(r.u32());
      return ipFromNumber('IPv6', (high << 64n) | (BigInt(r.u32()) << 32n) | BigInt(r.u32()));
    }
    default:
      return undefined;
  }
};
