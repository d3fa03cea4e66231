/**
 * Sends frames of several lengths from `eth0` and receives them at its peer `eth1`, in one process. Takes the kind of
 * queue, the lengths and how many frames of each as its arguments and prints a `PacketSocketOutcome`.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { arpFrameLength } from '../../src/proto/arp/packet.ts';

/** For each length sent: how many frames came, the length handed over, and how many differed in their first octets. */
export type PacketSocketOutcome = Readonly<
  Record<string, { readonly received: number; readonly lengths: readonly number[]; readonly wrong: number }>
>;

const [queue, lengthsText, countText] = process.argv.slice(2);
const indexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
const open = (name: string): PacketSocket =>
  new PacketSocket(indexOf(name), EtherType.arp, [], queue === 'ring' ? 'ring' : 'socket');
const sender = open('eth0');
const receiver = open('eth1');
const batch = 32;

const outcome: Record<string, { received: number; lengths: number[]; wrong: number }> = {};
for (const length of (lengthsText ?? '').split(',').map(Number)) {
  const frame = new Uint8Array(length).map((_, index) => index ^ 0x5a);
  frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 8, 6]);
  const compared = Math.min(length, arpFrameLength);
  const lengths = new Set<number>();
  let received = 0;
  let wrong = 0;
  for (let sent = 0; sent < Number(countText); sent++) {
    frame[20] = sent & 255; // no two alike that follow each other
    sender.send(frame);
    receiver.receive(batch, (view, kept) => {
      received += 1;
      lengths.add(kept);
      for (let at = 0; at < compared; at++) if (view.getUint8(at) !== frame[at]) wrong += 1;
    });
  }
  outcome[length] = { received, lengths: [...lengths], wrong };
}
console.log(JSON.stringify(outcome));
