import type { Ip } from '../../src/lib/ip.ts';
import { type Mac, zeroMac } from '../../src/lib/mac.ts';
import type { Millis } from '../../src/lib/time.ts';
import { ndpFilters } from '../../src/proto/bpf/ndp-filter.ts';
import { ipv6Words, solicitedNodeGroup, unspecifiedAddress } from '../../src/proto/ndp/address.ts';
import { Ipv6Table } from '../../src/proto/ndp/address-table.ts';
import { ndpProbe, ndpSolicitation, unsolicitedAdvertisement } from '../../src/proto/ndp/announcement.ts';
import { encodeNdpFrame, ndpFrameLength, ndpOffset } from '../../src/proto/ndp/packet.ts';
import { answeredSource, answerNdp, type NdpTable } from '../../src/proto/ndp/responder.ts';
import { ndpSighting } from '../../src/proto/ndp/sighting.ts';
import { FramePort, type PortAddress, type PortProtocol } from './frame-port.ts';
import type { FrameSocket, GroupMembership, LanPort, LanPortOptions, PortLink } from './port.ts';

/**
 * Opens a port for IPv6 addresses (RFC 4861), on an interface with a link-local address. Its socket must hand over
 * `ndpKeptLength` octets of a frame. Throws what opening the socket throws.
 */
export const openNdpPort = <Socket extends FrameSocket>(
  options: LanPortOptions<Socket> & { readonly groups: GroupMembership },
  now: Millis,
): LanPort<Socket> => new FramePort(options, ndpProtocol(options.link.index, options.groups), now);

const ndpProtocol = (interfaceIndex: number, groups: GroupMembership): PortProtocol => {
  const addresses = new Ipv6Table<PortAddress>();
  /** Addresses whose groups the kernel has not granted yet. */
  const unheard = new Set<Ip>();
  let own = { mac: zeroMac, ip: unspecifiedAddress };
  const table: NdpTable = {
    get mac(): Mac {
      return own.mac;
    },
    has: (frame, at) => addresses.find(frame, at)?.counters !== undefined,
  };
  const join = (ip: Ip): void => {
    if (groups.join(solicitedNodeGroup(ip))) unheard.delete(ip);
    else unheard.add(ip);
  };
  return {
    family: 'IPv6',
    table: addresses,
    setLink: (link) => {
      own = { mac: link.mac, ip: linkLocal(link) };
    },
    hold: join,
    release: (ip) => {
      if (!unheard.delete(ip)) groups.leave(solicitedNodeGroup(ip));
    },
    filters: (held, asked) => ndpFilters(interfaceIndex, [...held].map(ipv6Words), [...asked].map(ipv6Words)),
    announcement: (ip) => {
      if (unheard.has(ip)) join(ip);
      return [encodeNdpFrame(unsolicitedAdvertisement(own.mac, ip))];
    },
    probe: (ip) => encodeNdpFrame(ndpProbe(own.mac, ip)),
    question: (ip, mac) => encodeNdpFrame(ndpSolicitation(own, ip, mac)),
    answer: (frame, length) => (answerNdp(frame, length, table) === 'reply' ? ndpFrameLength : 0),
    answeredAt: ndpOffset.target,
    answeredSource,
    sighting: (frame, length) => ndpSighting(frame, length, own.mac),
  };
};

const linkLocal = ({ name, ip }: PortLink): Ip => {
  if (ip === undefined) throw new Error(`Neighbor Discovery on ${name}, which has no link-local address`);
  return ip;
};
