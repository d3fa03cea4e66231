import type { GroupAddress } from '../../../src/lib/group-order.ts';
import type { Ip } from '../../../src/lib/ip.ts';
import type { Mac } from '../../../src/lib/mac.ts';
import type { KeyRing } from '../../../src/proto/ownership/key-ring.ts';
import type { OwnershipBody } from '../../../src/proto/ownership/message.ts';
import type { Host } from './host.ts';
import type { Frame, Port } from './lan.ts';
import type { Network } from './network.ts';

/** How a speaker puts frames on the wires of its host. */
export type Wires = {
  /** To everybody on the segment or to one address; undefined interface: by whatever way leads there. */
  readonly send: (interface_: number | undefined, to: Ip | 'all', body: OwnershipBody) => void;
  /** Sends a message by a socket that learns of a closed port, and asks the kernel at that MAC for its own address. */
  readonly question: (interface_: number, node: string, address: Ip, mac: Mac, body: OwnershipBody) => void;
  /** Asks kernels on a segment for their own addresses, so that there is something to hear; true if the router answers. */
  readonly rouse: (interface_: number, addresses: readonly Ip[]) => boolean;
  /** Says on an interface that an address is there. */
  readonly claim: (interface_: number, ip: Ip) => void;
  readonly answerProbe: (interface_: number, ip: Ip, prober: Port) => void;
  readonly probe: (address: GroupAddress) => void;
  /** Interfaces that an address is answered on. */
  readonly indexesOf: (address: GroupAddress) => ReadonlySet<number>;
  /** Messages sent so far. */
  readonly sent: () => number;
};

const unsealed = [undefined];
const anything = Uint8Array.of(1);

/** The wires of a host for one epoch of its speaker; without a ring everybody has the same key, always. */
export const createWires = (network: Network, host: Host, epoch: bigint, ring: KeyRing | undefined): Wires => {
  let sequence = 0;
  const portAt = (index: number): Port => host.ports.get(index)!;

  const indexesOf = ({ interfaces }: GroupAddress): ReadonlySet<number> =>
    new Set(
      host
        .links()
        .filter(({ name }) => interfaces === undefined || interfaces.includes(name))
        .map(({ index }) => index),
    );

  const sendFrom = (port: Port, to: Ip | 'all', body: OwnershipBody, isConnected = false): void => {
    const message = { node: host.name, epoch, sequence: ++sequence, ...body };
    const neighbour = to === 'all' ? undefined : network.neighbour(port, to);
    const isRouted = to !== 'all' && neighbour === undefined;
    const datagram = {
      type: 'datagram',
      from: port.ip!,
      message,
      isConnected,
      isRouted,
      isUnicast: to !== 'all',
    } as const;
    for (const seal of ring?.seal(anything, host.localTime()) ?? unsealed) {
      if (to === 'all') network.toAll(port, { ...datagram, seal });
      else if (neighbour === undefined) network.route(port, to, { ...datagram, seal });
      else network.toPort(port, neighbour, { ...datagram, seal });
    }
  };

  const askKernel = (port: Port, suspect: Port): void => {
    const frame: Frame = { type: 'hostQuestion', node: suspect.name.split('/')[0]! };
    network.toPort(port, suspect, frame);
  };

  return {
    send: (index, to, body) => {
      if (index !== undefined) {
        if (host.ports.has(index)) sendFrom(portAt(index), to, body);
        return;
      }
      const ports = [...host.ports.values()];
      if (to === 'all') for (const port of ports) sendFrom(port, to, body);
      else sendFrom(ports.find((port) => network.neighbour(port, to) !== undefined) ?? ports[0]!, to, body);
    },
    question: (index, node, address, mac, body) => {
      sendFrom(portAt(index), address, body, true);
      const suspect = network.neighbour(portAt(index), address);
      if (suspect?.mac === mac && suspect.name.startsWith(`${node}/`)) askKernel(portAt(index), suspect);
    },
    rouse: (index, addresses) => {
      for (const ip of addresses) {
        const neighbour = network.neighbour(portAt(index), ip);
        if (neighbour !== undefined) askKernel(portAt(index), neighbour);
      }
      return network.hearsGateway(portAt(index));
    },
    claim: (index, ip) => network.toAll(portAt(index), { type: 'claim', ip, mac: portAt(index).mac }),
    answerProbe: (index, ip, prober) =>
      network.toPort(portAt(index), prober, { type: 'claim', ip, mac: portAt(index).mac }),
    probe: (address) => {
      for (const index of indexesOf(address)) {
        network.toAll(portAt(index), { type: 'probe', ip: address.ip, mac: portAt(index).mac });
      }
    },
    indexesOf,
    sent: () => sequence,
  };
};
