/**
 * The ports for ARP and Neighbor Discovery on the interfaces that its arguments name, without anybody who decides. Does
 * what its parent says over the IPC channel, one `PortOrder[]` after the other, and tells `PortEvent`s.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { openArpPort } from '../../speaker/responder/arp-port.ts';
import { openNdpPort } from '../../speaker/responder/ndp-port.ts';
import type { AddressCounters, LanPort, PortEvents, PortLink } from '../../speaker/responder/port.ts';
import { MulticastMemberships } from '../../src/io/multicast-membership.ts';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { familyOf, type Ip, type IpFamily } from '../../src/lib/ip.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { ndpKeptLength } from '../../src/proto/ndp/packet.ts';
import { formatMac, parseMac } from '../support/mac.ts';
import type { PortEvent, PortOrder } from './port-process.ts';

const now = (): Millis => millis(performance.now());
const tell = (event: PortEvent): void => void process.send?.(event);

const linkOf = (name: string, family: IpFamily): PortLink => {
  const sysfs = (file: string): string => readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  const mac = parseMac(sysfs('address'));
  if (!mac.ok) throw new Error(mac.error);
  const own = networkInterfaces()[name]?.filter((address) => address.family === family) ?? [];
  const ip = family === 'IPv4' ? own[0] : own.find(({ address }) => address.startsWith('fe80:'));
  return { index: Number(sysfs('ifindex')), name, mac: mac.value, ip: ip?.address as Ip | undefined };
};

const open = (name: string): LanPort<PacketSocket>[] => {
  const events: PortEvents = {
    onCounted: () => {},
    onSighting: ({ ip, mac, kind }) => tell({ type: kind, interface: name, ip, mac: formatMac(mac) }),
    onAnswered: (ip, mac) => tell({ type: 'answered', interface: name, ip, mac: formatMac(mac) }),
  };
  const arp = openArpPort(
    {
      link: linkOf(name, 'IPv4'),
      openSocket: (index, filters) => new PacketSocket(index, EtherType.arp, filters),
      random: Math.random,
      events,
    },
    now(),
  );
  const link = linkOf(name, 'IPv6');
  if (link.ip === undefined) return [arp];
  const ndp = openNdpPort(
    {
      link,
      openSocket: (index, filters) => new PacketSocket(index, EtherType.ipv6, filters, { keptLength: ndpKeptLength }),
      random: Math.random,
      events,
      groups: new MulticastMemberships(link.index),
    },
    now(),
  );
  return [arp, ndp];
};

const counters = new Map<Ip, AddressCounters>();
const countersOf = (ip: Ip): AddressCounters => {
  const known = counters.get(ip) ?? { ip, requests: 0, responses: 0, gratuitous: 0 };
  counters.set(ip, known);
  return known;
};

const perform = (port: LanPort, order: PortOrder): void => {
  const ip = order.ip as Ip;
  switch (order.do) {
    case 'add':
      return port.add(ip, countersOf(ip), now());
    case 'watch':
    case 'unwatch':
      return port[order.do]([ip]);
    case 'remove':
    case 'probe':
    case 'defend':
      return port[order.do](ip);
    case 'ask': {
      const mac = order.at === undefined ? undefined : parseMac(order.at);
      if (mac?.ok === false) throw new Error(mac.error);
      return mac === undefined ? port.ask(ip, now()) : port.askUnicast(ip, mac.value, now());
    }
  }
};

const ports = process.argv.slice(2).flatMap(open);
process.on('message', (orders: readonly PortOrder[]) => {
  for (const order of orders) {
    for (const port of ports) if (port.family === familyOf(order.ip as Ip)) perform(port, order);
  }
  for (const port of ports) {
    port.updateFilter();
    port.announce(now());
  }
  tell({ type: 'done' });
});
process.on('disconnect', () => process.exit());
setInterval(() => {
  for (const port of ports) {
    port.announce(now());
    port.receive(now());
  }
}, 2);
tell({ type: 'done' });
