/** Does with real sockets what it is told, a `SocketOrder` a message, and answers each with a message of its own. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCarrier, receivedFrames } from '../../src/io/carrier.ts';
import type { Device } from '../../src/io/datagram.ts';
import { MulticastMemberships } from '../../src/io/multicast-membership.ts';
import { type AddressEvent, AddressSocket, type LinkEvent, LinkSocket } from '../../src/io/netlink.ts';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { openProbeSocket } from '../../src/io/probe-socket.ts';
import { SystemError } from '../../src/io/system-error.ts';
import { UdpSocket } from '../../src/io/udp-socket.ts';
import type { Ip, IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';

export type SocketOrder =
  /** Opens a UDP socket by a name of the test's choice: `open`, or the code of the error. */
  | {
      readonly do: 'open';
      readonly name: string;
      readonly family: IpFamily;
      readonly port: number;
      readonly device?: string;
      readonly group?: string;
    }
  /** Whether a datagram could be sent. */
  | { readonly do: 'send'; readonly name: string; readonly text: string; readonly to: string; readonly port: number }
  /** All that has come, as `ReceivedText`s. */
  | { readonly do: 'receive'; readonly name: string }
  | { readonly do: 'close'; readonly name: string }
  /** Asks a port, and gives the answer, `refused`, `silent` after half a second, or `no way`. */
  | { readonly do: 'probe'; readonly to: string; readonly port: number; readonly device?: string }
  /** Joins groups, or leaves them, on `eth0`: how many could be joined. */
  | { readonly do: 'join' | 'leave'; readonly groups: readonly string[] }
  /** Has a packet socket pass a multicast address on `eth0`. */
  | { readonly do: 'joinFrames'; readonly mac: number }
  /** What the driver says about carrier, and how many frames have come. */
  | { readonly do: 'carrier'; readonly device: string }
  /** What rtnetlink has told since this was last asked; the first time, all there is. */
  | { readonly do: 'addresses' | 'links' };

export type ReceivedText = { readonly text: string; readonly from: string; readonly port: number };

const deviceOf = (name: string | undefined): Device | undefined =>
  name === undefined ? undefined : { name, index: indexOf(name) };
const indexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));

const sockets = new Map<string, UdpSocket>();
let memberships: MulticastMemberships | undefined;
let packetSocket: PacketSocket | undefined;
let addresses: AddressSocket | undefined;
let links: LinkSocket | undefined;

const probe = async (to: Ip, port: number, device: Device | undefined): Promise<string> => {
  const socket = openProbeSocket(to, port, device);
  if (socket === undefined) return 'no way';
  let answer: string | undefined;
  try {
    if (!socket.send(new TextEncoder().encode('question'))) return 'no way';
    for (let turn = 0; turn < 50; turn++) {
      socket.receive((datagram) => {
        answer = new TextDecoder().decode(datagram);
      });
      if (socket.isRefused || answer !== undefined) return answer ?? 'refused';
      await sleep(10);
    }
    return 'silent';
  } finally {
    socket.close();
  }
};

const obey = async (order: SocketOrder): Promise<unknown> => {
  switch (order.do) {
    case 'open':
      try {
        const { family, port, device, group } = order;
        const options = { family, port, device: deviceOf(device), group: group as Ip | undefined };
        sockets.set(order.name, new UdpSocket(options));
        return 'open';
      } catch (error) {
        if (error instanceof SystemError) return error.code;
        throw error;
      }
    case 'send':
      return sockets.get(order.name)!.send(new TextEncoder().encode(order.text), order.to as Ip, order.port);
    case 'receive': {
      const received: ReceivedText[] = [];
      sockets.get(order.name)!.receive(1000, (datagram, from, port) => {
        received.push({ text: new TextDecoder().decode(datagram), from, port });
      });
      return received;
    }
    case 'close':
      sockets.get(order.name)!.close();
      return sockets.delete(order.name);
    case 'probe':
      return probe(order.to as Ip, order.port, deviceOf(order.device));
    case 'join': {
      memberships ??= new MulticastMemberships(indexOf('eth0'));
      return order.groups.filter((group) => memberships!.join(group as Ip)).length;
    }
    case 'leave':
      for (const group of order.groups) memberships!.leave(group as Ip);
      return undefined;
    case 'joinFrames':
      packetSocket ??= new PacketSocket(indexOf('eth0'), EtherType.arp, []);
      packetSocket.joinGroup(order.mac as Mac);
      return undefined;
    case 'carrier':
      links ??= new LinkSocket();
      return { carrier: hasCarrier(links.fd, order.device), frames: receivedFrames(order.device) };
    case 'addresses': {
      const events: AddressEvent[] = [];
      if (addresses === undefined) {
        addresses = new AddressSocket();
        addresses.requestDump(1);
      }
      addresses.receive((event) => events.push(event));
      return events;
    }
    default: {
      // links
      const events: LinkEvent[] = [];
      links ??= new LinkSocket();
      links.receive((event) => events.push(event));
      return events;
    }
  }
};

process.on('message', (order: SocketOrder) => {
  void obey(order).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.send!({ answer: 'started' });
