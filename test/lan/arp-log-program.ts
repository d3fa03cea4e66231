/**
 * Prints a line for every ARP frame of other hosts that reaches `eth0`: `MILLISECONDS SOURCE OPERATION SENDER_IP`, in
 * milliseconds since the Unix epoch. The first line says that it listens.
 */
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { ipv4FromNumber } from '../../src/lib/ip.ts';
import { decodeArpFrame } from '../../src/proto/arp/packet.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { arpHost } from '../support/arp-host.ts';
import { formatMac } from '../support/mac.ts';

const socket = new PacketSocket(arpHost('eth0').index, EtherType.arp, []);
process.stdout.write('listening\n');

setInterval(() => {
  socket.receive(10_000, (view, length) => {
    const frame = decodeArpFrame(new Uint8Array(view.buffer, view.byteOffset, length));
    if (!frame.ok) return;
    const { source, packet } = frame.value;
    const at = (performance.timeOrigin + performance.now()).toFixed(3);
    process.stdout.write(`${at} ${formatMac(source)} ${packet.operation} ${ipv4FromNumber(packet.senderIp)}\n`);
  });
}, 1);
