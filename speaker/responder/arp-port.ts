import { type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import { broadcastMac, type Mac, zeroMac } from '../../src/lib/mac.ts';
import type { Millis } from '../../src/lib/time.ts';
import { arpProbe, arpRequest, gratuitousArp } from '../../src/proto/arp/announcement.ts';
import { arpFrameLength, encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { answerArp, type ArpTable, answeredAddressAt, answeredSource } from '../../src/proto/arp/responder.ts';
import { arpSighting } from '../../src/proto/arp/sighting.ts';
import { arpFilters } from '../../src/proto/bpf/arp-filter.ts';
import { FramePort, type PortAddress, type PortProtocol } from './frame-port.ts';
import type { FrameSocket, LanPort, LanPortOptions } from './port.ts';

/** Opens a port for IPv4 addresses (RFC 826, RFC 5227). Throws what opening its socket throws. */
export const openArpPort = <Socket extends FrameSocket>(
  options: LanPortOptions<Socket>,
  now: Millis,
): LanPort<Socket> => new FramePort(options, arpProtocol(options.link.index), now);

const arpProtocol = (interfaceIndex: number): PortProtocol => {
  const addresses = new Map<number, PortAddress>();
  let mac = zeroMac;
  /** What questions are asked from; 0: nobody, as a probe. */
  let ownAddress = 0;
  const table: ArpTable = {
    get mac(): Mac {
      return mac;
    },
    has: (address) => addresses.get(address)?.counters !== undefined,
  };
  return {
    family: 'IPv4',
    table: {
      set: (ip, address) => void addresses.set(ipv4ToNumber(ip), address),
      delete: (ip) => void addresses.delete(ipv4ToNumber(ip)),
      find: (frame, at) => addresses.get(frame.getUint32(at)),
    },
    setLink: (link) => {
      mac = link.mac;
      ownAddress = link.ip === undefined ? 0 : ipv4ToNumber(link.ip);
    },
    hold: () => {}, // what is asked comes by broadcast
    release: () => {},
    filters: (held, asked) => arpFilters(interfaceIndex, numbers(held), numbers(asked)),
    announcement: (ip) => gratuitousArp(mac, ipv4ToNumber(ip)).map(encodeArpFrame),
    probe: (ip) => encodeArpFrame(arpProbe(mac, ipv4ToNumber(ip))),
    question: (ip, at) => encodeArpFrame(arpRequest(mac, ownAddress, ipv4ToNumber(ip), at ?? broadcastMac)),
    answer: (frame, length) => (answerArp(frame, length, table) === 'reply' ? arpFrameLength : 0),
    answeredAt: answeredAddressAt,
    answeredSource,
    sighting: (frame, length) => arpSighting(frame, length, mac),
  };
};

const numbers = (ips: Iterable<Ip>): number[] => [...ips].map(ipv4ToNumber);
