import { PacketSocket } from '../../src/io/packet-socket.ts';
import { encodeBpf } from '../../src/proto/bpf/assembler.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { macAt } from '../../src/proto/ethernet/mac-field.ts';
import {
  beaconFrameFilter,
  beaconFrameMessage,
  beaconGroupMac,
  encodeBeaconFrame,
  longestBeaconFrame,
} from '../../src/proto/ownership/transport.ts';
import type { FrameBeacons } from './beacon-sockets.ts';
import type { ServedLink } from './links.ts';

/** Opens a socket for messages straight on Ethernet. Throws `SystemError`. */
export const openFrameBeacons = ({ index, mac }: ServedLink): FrameBeacons => {
  using undo = new DisposableStack();
  const filter = encodeBpf(beaconFrameFilter(index));
  const options = { queue: 'socket', keptLength: longestBeaconFrame } as const;
  const socket = undo.adopt(new PacketSocket(index, EtherType.localExperimental, [filter], options), (each) =>
    each.close(),
  );
  socket.joinGroup(beaconGroupMac);
  undo.move();
  return {
    fd: socket.fd,
    send: (message, to) => socket.send(encodeBeaconFrame(to === 'all' ? beaconGroupMac : to, mac, message)),
    receive: (limit, onMessage) => {
      let count = 0;
      socket.receive(limit, (frame, length) => {
        count += 1;
        const message = beaconFrameMessage(frame, length);
        if (message !== undefined) onMessage(message, macAt(frame, macLength));
      });
      return count;
    },
    close: () => socket.close(),
  };
};

/** Octets of an address: behind the destination stands the source. */
const macLength = 6;
