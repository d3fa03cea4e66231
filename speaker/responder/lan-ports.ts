import { MulticastMemberships } from '../../src/io/multicast-membership.ts';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import type { IpFamily } from '../../src/lib/ip.ts';
import type { Millis } from '../../src/lib/time.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { ndpKeptLength } from '../../src/proto/ndp/packet.ts';
import { openArpPort } from './arp-port.ts';
import { openNdpPort } from './ndp-port.ts';
import type { LanPort, PortEvents, PortLink } from './port.ts';

/** A socket for Neighbor Discovery, and with it the multicast groups of what it hears. */
class NdpSocket extends PacketSocket {
  readonly #groups: MulticastMemberships;

  constructor(interfaceIndex: number, filters: Iterable<Uint8Array>, groups: MulticastMemberships) {
    super(interfaceIndex, EtherType.ipv6, filters, { keptLength: ndpKeptLength });
    this.#groups = groups;
  }

  override close(): void {
    super.close();
    this.#groups.close();
  }
}

/** Opens the port of an interface for one family, on a real socket. Throws `SystemError`. */
export const openLanPort = (
  family: IpFamily,
  link: PortLink,
  events: PortEvents,
  now: Millis,
): LanPort<PacketSocket> => {
  const { random } = Math;
  if (family === 'IPv4') {
    const openSocket = (index: number, filters: Iterable<Uint8Array>): PacketSocket =>
      new PacketSocket(index, EtherType.arp, filters);
    return openArpPort({ link, openSocket, random, events }, now);
  }
  const groups = new MulticastMemberships(link.index);
  const openSocket = (index: number, filters: Iterable<Uint8Array>): PacketSocket =>
    new NdpSocket(index, filters, groups);
  return openNdpPort({ link, openSocket, random, events, groups }, now);
};
