import { type Millis, millis } from '../../../src/lib/time.ts';
import type { OwnershipLink } from '../../../src/proto/ownership/machine.ts';
import type { Frame, Port } from './lan.ts';
import type { Network } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a host's kernel hands to the speaker on it. */
export type Socket = {
  /** False once the process is dead: its ports are closed then. */
  readonly isOpen: () => boolean;
  readonly take: (frame: Frame, interface_: number, from: Port) => void;
};

/** A machine with a kernel, a clock and interfaces. */
export type Host = {
  readonly name: string;
  /** By interface index. */
  readonly ports: ReadonlyMap<number, Port>;
  readonly links: () => readonly OwnershipLink[];
  readonly isOn: () => boolean;
  /** Its monotonic clock, which starts anywhere. */
  readonly localTime: () => Millis;
  /** The time of the world at which its clock will show that, if nothing happens to the clock. */
  readonly worldTime: (local: number) => number;
  readonly powerOff: () => void;
  readonly powerOn: () => void;
  /** A virtual machine is paused: nothing runs, nothing is queued. */
  readonly pause: () => void;
  /** It goes on; the clock shows the pause, or knows nothing of it. */
  readonly unpause: (isSeenByClock: boolean) => void;
  /** The clock leaps ahead, as when a hypervisor corrects it. */
  readonly leap: (by: number) => void;
  readonly attach: (socket: Socket | undefined) => void;
};

/** Linux tells one asker once a second at most that a port is closed (`icmp_ratelimit`). */
const unreachableEvery = 1000;

/** A host that is on. `segments` are what its interfaces eth0, eth1 and so on are plugged into. */
export const createHost = (
  time: VirtualTime,
  network: Network,
  {
    name,
    plugs,
    clockOffset,
  }: {
    readonly name: string;
    readonly plugs: readonly Pick<Port, 'segment' | 'ip'>[];
    readonly clockOffset: number;
  },
): Host => {
  let power: 'on' | 'off' | 'paused' = 'on';
  let offset = clockOffset;
  let pausedAt = 0;
  let socket: Socket | undefined;
  let unreachableAt = new Map<Port, number>();
  const ports = new Map<number, Port>();

  const take = (index: number, frame: Frame, from: Port): void => {
    if (power !== 'on') return;
    const port = ports.get(index)!;
    if (frame.type === 'hostQuestion') {
      if (frame.node === name) network.toPort(port, from, { type: 'hostAnswer', node: name });
      return;
    }
    if (socket?.isOpen() === true) {
      socket.take(frame, index, from);
      return;
    }
    if (frame.type !== 'datagram' || !frame.isUnicast || frame.isRouted) return;
    const last = unreachableAt.get(from);
    if (last !== undefined && time.now() < last + unreachableEvery) return;
    unreachableAt.set(from, time.now());
    if (frame.isConnected) network.toPort(port, from, { type: 'portUnreachable', node: name });
  };

  for (const [position, { segment, ip }] of plugs.entries()) {
    const index = position + 2;
    ports.set(
      index,
      network.plug(`${name}/eth${position}`, segment, ip, (frame, from) => take(index, frame, from)),
    );
  }

  return {
    name,
    ports,
    links: () =>
      Array.from(ports, ([index, { mac, hasCarrier, ip }]) => ({
        index,
        name: `eth${index - 2}`,
        mac,
        hasCarrier,
        ipv4: ip,
        ipv6: undefined,
      })),
    isOn: () => power === 'on',
    localTime: () => millis(time.now() + offset),
    worldTime: (local) => local - offset,
    powerOff: () => {
      power = 'off';
    },
    powerOn: () => {
      power = 'on';
      unreachableAt = new Map();
    },
    pause: () => {
      power = 'paused';
      pausedAt = time.now();
    },
    unpause: (isSeenByClock) => {
      power = 'on';
      if (!isSeenByClock) offset -= time.now() - pausedAt;
    },
    leap: (by) => {
      offset += by;
    },
    attach: (attached) => {
      socket = attached;
    },
  };
};
