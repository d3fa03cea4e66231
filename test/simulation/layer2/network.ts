import type { Ip } from '../../../src/lib/ip.ts';
import type { Mac } from '../../../src/lib/mac.ts';
import type { Random } from '../random.ts';
import { type Carrier, createCarrier, type Frame, newSegment, type Port, reaches, type Segment } from './lan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** All segments, what is plugged in there, and the routers between them. */
export type Network = Carrier & {
  readonly segments: readonly Segment[];
  /** Plugs something into a segment. */
  readonly plug: (name: string, segment: Segment, ip: Ip | undefined, take: Port['take']) => Port;
  /** Whoever has an address on the segment that this port is on. */
  readonly neighbour: (port: Port, ip: Ip) => Port | undefined;
  /** Sends a datagram to an address by the routers. */
  readonly route: (from: Port, to: Ip, frame: Frame) => void;
  /** Whether the routers carry what one port sends to another. */
  readonly isRouted: (from: Port, to: Port) => boolean;
  /** Whether a segment's router answers ARP: something to hear on a segment without other speakers. */
  readonly hearsGateway: (port: Port) => boolean;
  /** Routers forward between segments. */
  areRoutersUp: boolean;
};

/** Milliseconds that a packet is on its way by the routers. */
const routedDelay = 1;

/** Segments with a router in each. */
export const createNetwork = (time: VirtualTime, random: Random, names: readonly string[]): Network => {
  const carrier = createCarrier(time, random);
  const segments = names.map(newSegment);
  const byIp = new Map<Ip, Port>();
  let nextMac = 0x02_00_00_00_00_01;

  const plug: Network['plug'] = (name, segment, ip, take) => {
    const port: Port = {
      name,
      segment,
      mac: nextMac++ as Mac,
      ip,
      take,
      hasCarrier: true,
      side: 0,
      isMute: false,
      isDeaf: false,
      hasJoined: true,
    };
    segment.ports.push(port);
    if (ip !== undefined) byIp.set(ip, port);
    return port;
  };

  const gateways = new Map(
    segments.map((segment) => [segment, plug(`gateway/${segment.name}`, segment, undefined, () => {})]),
  );
  const gatewayOf = (port: Port): Port => gateways.get(port.segment)!;
  const isRouted = (from: Port, to: Port): boolean =>
    network.areRoutersUp && reaches(from, gatewayOf(from)) && reaches(gatewayOf(to), to);

  const network: Network = {
    ...carrier,
    segments,
    plug,
    neighbour: (port, ip) => {
      const found = byIp.get(ip);
      return found?.segment === port.segment ? found : undefined;
    },
    route: (from, ip, frame) => {
      const to = byIp.get(ip);
      if (to === undefined || to.segment === from.segment || from.segment.weather.isUnicastBlocked) return;
      time.after(routedDelay, () => {
        if (isRouted(from, to)) to.take(frame, from);
      });
    },
    isRouted,
    hearsGateway: (port) => reaches(port, gatewayOf(port)) && reaches(gatewayOf(port), port),
    areRoutersUp: true,
  };
  return network;
};
