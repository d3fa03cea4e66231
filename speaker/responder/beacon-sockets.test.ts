import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { SystemError } from '../../src/io/system-error.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import type { OwnershipLink } from '../../src/proto/ownership/machine.ts';
import { BeaconSockets, type Way } from './beacon-sockets.ts';
import { frameAddress } from './frame-address.ts';
import type { ResponderReport } from './messages.ts';

const eth0: OwnershipLink = {
  index: 2,
  name: 'eth0',
  mac: 0x02420a000001 as Mac,
  hasCarrier: true,
  ipv4: '198.18.0.1' as Ip,
  ipv6: 'fe80::1' as Ip,
};
const eth1: OwnershipLink = { ...eth0, index: 3, name: 'eth1', ipv4: undefined };
const bare: OwnershipLink = { ...eth0, ipv4: undefined, ipv6: undefined };
const groups = { IPv4: '224.0.0.179' as Ip, IPv6: 'ff02::8000:1f0b' as Ip };
const datagram = Uint8Array.of(7);
const peer = '198.18.0.2' as Ip;
const peerMac = 0x02420a000002 as Mac;

/** A socket of any kind in memory. */
type MemorySocket = {
  readonly name: string;
  readonly fd: number;
  isOpen: boolean;
  /** What waits to be received, and from whom. */
  readonly inbox: (Ip | Mac)[];
};

const rig = (...links: readonly OwnershipLink[]) => {
  const sockets: MemorySocket[] = [];
  /** What was sent: by which socket, to whom. */
  let sent: string[] = [];
  const reports: ResponderReport[] = [];
  const failing = new Map<string, 'EADDRINUSE' | 'EAFNOSUPPORT'>();
  const open = (name: string) => {
    const code = failing.get(name);
    if (code !== undefined) throw new SystemError('bind', constants.errno[code]);
    const socket: MemorySocket = { name, fd: 10 + sockets.length, isOpen: true, inbox: [] };
    sockets.push(socket);
    return {
      fd: socket.fd,
      send: (_: Uint8Array, to: Ip | Mac | 'all') => sent.push(`${name} to ${to}`) > 0,
      receive: (limit: number, onDatagram: (datagram: Uint8Array, from: never) => void) => {
        const taken = socket.inbox.splice(0, limit);
        for (const from of taken) onDatagram(datagram, from as never);
        return taken.length;
      },
      close: () => (socket.isOpen = false),
    };
  };
  const beacons = new BeaconSockets({
    openUdp: (family, device) => open(`${family} ${device?.name ?? 'routed'}`),
    openFrames: ({ name }) => open(`frames ${name}`),
    port: 7947,
    groups,
    report: (report) => reports.push(report),
  });
  beacons.setLinks(links, millis(0));
  const takeSent = (): string[] => {
    const all = sent;
    sent = [];
    return all;
  };
  return {
    beacons,
    failing,
    reports,
    sockets,
    openNames: () => sockets.filter(({ isOpen }) => isOpen).map(({ name }) => name),
    toAll: (index: number | undefined, now: number): string[] => {
      beacons.sendToAll(index, datagram, millis(now));
      return takeSent();
    },
    to: (ip: Ip, index: number | undefined): string[] => {
      beacons.sendTo(ip, index, datagram);
      return takeSent();
    },
    hear: (node: string, way: Way, now: number, from = peer): void => beacons.heard(node, from, 2, way, millis(now)),
  };
};

test('each interface has a socket for each family it has an address of, and one for frames', () => {
  const { beacons, openNames } = rig(eth0, eth1);
  const routed = ['IPv4 routed', 'IPv6 routed'];
  expect(openNames()).toEqual([...routed, 'IPv4 eth0', 'IPv6 eth0', 'frames eth0', 'IPv6 eth1', 'frames eth1']);
  expect(beacons.fds()).toEqual([10, 11, 12, 13, 14, 15, 16]);
  expect(beacons.setLinks([{ ...eth0, ipv6: undefined, hasCarrier: false }], millis(1))).toBe(true);
  expect(openNames()).toEqual([...routed, 'IPv4 eth0', 'frames eth0']);
  expect(beacons.setLinks([{ ...eth0, ipv6: undefined }], millis(2))).toBe(false);
  beacons.close();
  expect(openNames()).toEqual([]);
});

test('an interface of another name is another one, and another MAC makes other frames', () => {
  const { beacons, sockets } = rig(bare);
  beacons.setLinks([{ ...bare, name: 'lan0' }], millis(1));
  beacons.setLinks([{ ...bare, name: 'lan0', mac: 7 as Mac }], millis(2));
  expect(sockets.slice(2).map(({ name, isOpen }) => [name, isOpen])).toEqual([
    ['frames eth0', false],
    ['frames lan0', false],
    ['frames lan0', true],
  ]);
});

test.each([
  ['IPv4 where the interface has an address of it', eth0, 'IPv4 eth0 to 224.0.0.179'],
  ['IPv6 where it has none of IPv4', { ...eth0, ipv4: undefined }, 'IPv6 eth0 to ff02::8000:1f0b'],
  ['frames where it has none at all', bare, 'frames eth0 to all'],
])('messages to all take %s', (_, link, expected) => {
  const { toAll, hear } = rig(link);
  hear('n2', 'IPv4', 0);
  hear('n2', 'IPv6', 0);
  hear('n2', 'frames', 0);
  toAll(2, 0); // as long as nobody is known, ways are taken that may turn out superfluous
  hear('n2', link.ipv4 === undefined ? (link.ipv6 === undefined ? 'frames' : 'IPv6') : 'IPv4', 5000);
  expect(toAll(2, 5000)).toEqual([expected]);
});

test('somebody who is heard in another way alone is sent to in that way, too, until five seconds after', () => {
  const { toAll, hear } = rig(eth0);
  hear('n2', 'IPv4', 0);
  hear('n3', 'IPv6', 0);
  const both = ['IPv4 eth0 to 224.0.0.179', 'IPv6 eth0 to ff02::8000:1f0b'];
  expect([toAll(2, 0), toAll(2, 4999)]).toEqual([both, both]);
  hear('n2', 'IPv6', 4999); // a copy: it is heard the first way, too
  hear('n2', 'IPv4', 4999);
  expect(toAll(2, 5000)).toEqual(both.slice(0, 1));
});

test('while nobody is heard, and with several interfaces always, frames go out once a second as well', () => {
  const alone = rig(eth0);
  const times = [0, 50, 999, 1000, 1050];
  expect(times.filter((now) => alone.toAll(2, now).includes('frames eth0 to all'))).toEqual([0, 1000]);
  alone.hear('n2', 'IPv4', 1500);
  expect(alone.toAll(2, 2000)).toEqual(['IPv4 eth0 to 224.0.0.179']);
  const two = rig(eth0, eth1);
  two.hear('n2', 'IPv4', 0);
  expect(times.filter((now) => two.toAll(2, now).includes('frames eth0 to all'))).toEqual([0, 1000]);
  two.beacons.setLinks([{ ...eth0, hasCarrier: false }, eth1], millis(1100));
  expect(two.toAll(2, 1100)).toContain('frames eth0 to all');
});

test('messages to all without an interface go out on each', () => {
  const { toAll } = rig(eth0, eth1);
  expect(toAll(undefined, 0)).toEqual([
    'IPv4 eth0 to 224.0.0.179',
    'frames eth0 to all',
    'IPv6 eth1 to ff02::8000:1f0b',
    'frames eth1 to all',
  ]);
});

test('messages to one host take its family on the interface, or whatever way leads there', () => {
  const { to } = rig(eth0, eth1);
  expect([to(peer, 2), to('fe80::2' as Ip, 3), to(peer, undefined), to(peer, 3)]).toEqual([
    [`IPv4 eth0 to ${peer}`],
    ['IPv6 eth1 to fe80::2'],
    [`IPv4 routed to ${peer}`],
    [],
  ]);
});

test('a host that sends frames is answered by frames', () => {
  const { to, hear } = rig(eth0);
  const from = frameAddress(peerMac);
  expect(to(from, 2)).toEqual([`IPv6 eth0 to ${from}`]);
  hear('n2', 'frames', 0, from);
  expect(to(from, 2)).toEqual([`frames eth0 to ${peerMac}`]);
});

const all = (): boolean => true;

test('all that is queued is taken, up to the limit, with the interface and the way it came', () => {
  const { beacons, sockets } = rig(eth0);
  const [routed, , ipv4, , frames] = sockets;
  routed!.inbox.push(peer);
  ipv4!.inbox.push(...Array.from({ length: 200 }, () => peer));
  frames!.inbox.push(peerMac);
  const taken: unknown[] = [];
  beacons.receive(1000, all, (_, ...how) => taken.push(how));
  expect(taken.length).toBe(202);
  expect(taken).toContainEqual([peer, undefined, 'IPv4']);
  expect(taken).toContainEqual([peer, 2, 'IPv4']);
  expect(taken).toContainEqual([frameAddress(peerMac), 2, 'frames']);
  ipv4!.inbox.push(...Array.from({ length: 200 }, () => peer));
  beacons.receive(150, all, () => {});
  expect(ipv4!.inbox.length).toBe(50);
});

test('a socket that is not ready is not asked', () => {
  const { beacons, sockets } = rig(eth0);
  for (const socket of sockets) socket.inbox.push(peer);
  const ipv4 = sockets[2]!;
  expect(beacons.fds()[2]).toBe(ipv4.fd);
  expect(
    beacons.receive(
      1000,
      (position) => position === 2,
      () => {},
    ),
  ).toBe(1);
  expect(sockets.filter(({ inbox }) => inbox.length === 0)).toEqual([ipv4]);
});

test('a socket that cannot be opened is tried again, and told once; a host without IPv6 is not worth a word', () => {
  const { beacons, failing, reports, openNames } = rig();
  failing.set('IPv4 eth0', 'EADDRINUSE').set('IPv6 eth0', 'EAFNOSUPPORT');
  expect(beacons.setLinks([eth0], millis(0))).toBe(true);
  expect(reports).toEqual([
    {
      type: 'log',
      level: 'warn',
      message: 'cannot open a socket for beacons yet',
      fields: { socket: 'IPv4 2 eth0', error: 'bind: EADDRINUSE' },
    },
  ]);
  expect([beacons.nextDeadline(), beacons.turn(millis(999)), beacons.turn(millis(1000))]).toEqual([1000, false, false]);
  failing.clear();
  expect(beacons.turn(millis(3000))).toBe(true);
  expect(openNames()).toContain('IPv4 eth0');
  expect([reports.length, beacons.nextDeadline()]).toEqual([1, Infinity]);
});
