import type { Ip } from '../../../src/lib/ip.ts';
import type { Mac } from '../../../src/lib/mac.ts';
import type { OwnershipMessage } from '../../../src/proto/ownership/message.ts';
import type { Random } from '../random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What goes over a wire. */
export type Frame =
  /**
   * A message of the ownership protocol. `isConnected`: sent by a socket that learns of a closed port. `seal`: something
   * sealed with the same key, where keys are simulated.
   */
  | {
      readonly type: 'datagram';
      readonly from: Ip;
      readonly message: OwnershipMessage;
      readonly isUnicast: boolean;
      readonly isConnected: boolean;
      /** By way of another network. */
      readonly isRouted: boolean;
      readonly seal: Uint8Array | undefined;
    }
  /** ICMP: nobody listens on the beacon port of this node. */
  | { readonly type: 'portUnreachable'; readonly node: string }
  /** Unicast ARP or Neighbor Solicitation for a node's own address, and the answer of its kernel. */
  | { readonly type: 'hostQuestion'; readonly node: string }
  | { readonly type: 'hostAnswer'; readonly node: string }
  /** ARP or Neighbor Discovery that says who has an address, and that asks whether anybody has. */
  | { readonly type: 'claim'; readonly ip: Ip; readonly mac: Mac }
  | { readonly type: 'probe'; readonly ip: Ip; readonly mac: Mac };

/** Where something is plugged into a segment, and what is wrong with it there. */
export type Port = {
  readonly name: string;
  readonly segment: Segment;
  readonly mac: Mac;
  readonly ip: Ip | undefined;
  readonly take: (frame: Frame, from: Port) => void;
  hasCarrier: boolean;
  /** Ports of different sides of a partition do not reach each other. */
  side: number;
  /** Nothing that it sends arrives. */
  isMute: boolean;
  /** Nothing that is sent arrives at it. */
  isDeaf: boolean;
  /** Whoever listens here wants what is sent to everybody. */
  hasJoined: boolean;
};

/** How a switch treats what it carries. */
export type Weather = {
  /** Chance that a frame is lost on its way to one of its receivers. */
  loss: number;
  /** Milliseconds on the way, at least, and up to how many more. */
  delay: number;
  jitter: number;
  /** Chance that a frame arrives twice. */
  duplication: number;
  /** Multicast datagrams are filtered, as by a switch that snoops on IGMP badly. */
  isMulticastBlocked: boolean;
  /** Unicast datagrams to the beacon port are filtered. */
  isUnicastBlocked: boolean;
};

export const fairWeather: Weather = {
  loss: 0,
  delay: 0.05,
  jitter: 0,
  duplication: 0,
  isMulticastBlocked: false,
  isUnicastBlocked: false,
};

/** One switch: interfaces that reach each other. */
export type Segment = {
  readonly name: string;
  readonly ports: Port[];
  readonly weather: Weather;
  /** One-way links that are broken: `n0/eth0>n1/eth0`. */
  readonly broken: Set<string>;
};

export const newSegment = (name: string): Segment => ({
  name,
  ports: [],
  weather: { ...fairWeather },
  broken: new Set(),
});

/** Whether what one port sends arrives at another, but for bad luck. */
export const reaches = (from: Port, to: Port): boolean =>
  from.segment === to.segment &&
  from.hasCarrier &&
  to.hasCarrier &&
  from.side === to.side &&
  !from.isMute &&
  !to.isDeaf &&
  (from.segment.broken.size === 0 || !from.segment.broken.has(`${from.name}>${to.name}`));

export type Carrier = {
  readonly toPort: (from: Port, to: Port, frame: Frame) => void;
  readonly toAll: (from: Port, frame: Frame) => void;
};

/** Carries frames over segments. */
export const createCarrier = (time: VirtualTime, random: Random): Carrier => {
  const isFiltered = (frame: Frame, { isMulticastBlocked, isUnicastBlocked }: Weather): boolean =>
    frame.type === 'datagram' && (frame.isUnicast ? isUnicastBlocked : isMulticastBlocked);

  /** How often a frame arrives: mostly once. */
  const copies = ({ loss, duplication }: Weather): number =>
    loss > 0 && random.chance(loss) ? 0 : duplication > 0 && random.chance(duplication) ? 2 : 1;

  const toPort = (from: Port, to: Port, frame: Frame): void => {
    const { weather } = from.segment;
    if (isFiltered(frame, weather)) return;
    for (let copy = copies(weather); copy > 0; copy--) {
      time.after(weather.delay + weather.jitter * random.next(), () => {
        if (reaches(from, to)) to.take(frame, from);
      });
    }
  };

  return {
    toPort,
    toAll: (from, frame) => {
      const { weather, ports } = from.segment;
      if (isFiltered(frame, weather) || !from.hasCarrier || from.isMute) return;
      if (weather.jitter > 0) {
        for (const to of ports) if (to !== from && to.hasJoined) toPort(from, to, frame);
        return;
      }
      time.after(weather.delay, () => {
        for (const to of ports) {
          if (to === from || !to.hasJoined || !reaches(from, to)) continue;
          for (let copy = copies(weather); copy > 0; copy--) to.take(frame, from);
        }
      });
    },
  };
};
