import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { familyOf, type Ip } from '../../src/lib/ip.ts';

/** UDP and TCP on one port. Whoever opens them closes them. */
export type Sockets = { readonly udp: Socket; readonly tcp: Server; readonly port: number };

/** Streams from others at a time; the library serves 127 exchanges. */
const maxStreams = 127;

/** Octets of packets that wait to be read: a burst of gossip from many members. */
const receiveBuffer = 1024 * 1024;

/** Attempts at a free port: the one that TCP got may be another's for UDP. */
const attempts = 10;

/** Binds both to an address; port 0 is any that is free for both. Rejects where that fails. */
export const openSockets = async (address: Ip, port: number): Promise<Sockets> => {
  for (let left = port === 0 ? attempts : 1; ; left--) {
    try {
      return await bindBoth(address, port);
    } catch (error) {
      if (left === 1) throw new Error(`cannot bind memberlist to ${address} port ${port}`, { cause: error });
    }
  }
};

const bindBoth = async (address: Ip, port: number): Promise<Sockets> => {
  const tcp = createServer();
  tcp.maxConnections = maxStreams;
  tcp.listen({ host: address, port });
  await once(tcp, 'listening');
  const bound = (tcp.address() as AddressInfo).port;
  const family = familyOf(address) === 'IPv4' ? 4 : 6;
  const udp = createSocket({
    type: `udp${family}`,
    // Nothing is ever sent to a name; the resolver's detour for addresses would cost more than the packet.
    lookup: (host, _options, callback) => callback(null, host, family),
  });
  try {
    const listening = once(udp, 'listening');
    udp.bind({ address, port: bound });
    await listening;
    udp.setRecvBufferSize(receiveBuffer);
  } catch (error) {
    udp.close();
    tcp.close();
    throw error;
  }
  return { udp, tcp, port: bound };
};
