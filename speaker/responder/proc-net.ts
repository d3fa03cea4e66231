import { readFileSync } from 'node:fs';
import { type Ip, ipv4FromNumber } from '../../src/lib/ip.ts';

/** Flags of a route (linux/route.h): usable, by a gateway. */
const RTF_UP_GATEWAY = 0x3;

/** The routers of an interface, as `/proc/net/route` has them: a line per IPv4 route, addresses in hexadecimal. */
export const gatewaysIn = (routes: string, interfaceName: string): Ip[] => {
  const gateways = new Set<Ip>();
  for (const line of routes.split('\n').slice(1)) {
    const [name, , gateway = '', flags = ''] = line.split('\t');
    if (name !== interfaceName || (Number.parseInt(flags, 16) & RTF_UP_GATEWAY) !== RTF_UP_GATEWAY) continue;
    const octets = Buffer.from(gateway, 'hex');
    // In the order of the host: both architectures we run on are little-endian.
    if (octets.length === 4) gateways.add(ipv4FromNumber(octets.readUInt32LE()));
  }
  return [...gateways];
};

/** The routers of an interface. */
export const gatewaysOf = (interfaceName: string): Ip[] => gatewaysIn(read('/proc/net/route') ?? '', interfaceName);

/** The kernel parameter `arp_ignore` of an interface, or of `all`; undefined if the interface has gone. */
export const arpIgnoreOf = (interfaceName: string): number | undefined => {
  const value = read(`/proc/sys/net/ipv4/conf/${interfaceName}/arp_ignore`);
  return value === undefined ? undefined : Number(value);
};

/** Undefined where there is no such file, or not any more. */
const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // whatever the reason, nobody can tell
  }
};
