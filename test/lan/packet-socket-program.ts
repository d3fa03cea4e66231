/**
 * Sends frames from `eth0` and receives them at its peer `eth1`, in one process. Takes the kind of queue, how many octets
 * are to be kept and the `FrameSeries`, as JSON, and prints an array with a `SeriesOutcome` for each.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';

/** Frames of one length, so many at once before the receiver has its turn. */
export type FrameSeries = { readonly length: number; readonly count: number; readonly atOnce: number };

/** How many frames came, with which lengths they were handed over, and how many differed in their first octets. */
export type SeriesOutcome = { readonly received: number; readonly lengths: readonly number[]; readonly wrong: number };

const indexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
const [queue, kept, series] = process.argv.slice(2);
const sender = new PacketSocket(indexOf('eth0'), EtherType.arp, []);
const receiver = new PacketSocket(indexOf('eth1'), EtherType.arp, [], {
  queue: queue === 'ring' ? 'ring' : 'socket',
  keptLength: Number(kept),
});

const run = async ({ length, count, atOnce }: FrameSeries): Promise<SeriesOutcome> => {
  const frame = new Uint8Array(length).map((_, index) => index ^ length);
  frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 8, 6]);
  const compared = Math.min(length, Number(kept));
  const lengths = new Set<number>();
  let received = 0;
  let wrong = 0;
  const receive = (): void =>
    receiver.receive(10_000, (view, kept) => {
      received += 1;
      lengths.add(kept);
      if (frame.subarray(0, compared).some((octet, at) => octet !== view.getUint8(at))) wrong += 1;
    });
  for (let sent = 1; sent <= count; sent++) {
    sender.send(frame);
    if (sent % atOnce === 0) receive();
  }
  await sleep(50); // the kernel may be late on a busy machine
  receive();
  return { received, lengths: [...lengths], wrong };
};

const outcomes: SeriesOutcome[] = [];
for (const each of JSON.parse(series ?? '') as readonly FrameSeries[]) outcomes.push(await run(each));
console.log(JSON.stringify(outcomes));
