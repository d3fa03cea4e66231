import process from 'node:process';
import { makeLan } from '../test/lan/members.ts';
import type { Namespace } from '../test/support/netns.ts';
import type { ArpClientOrder, Latencies } from './arp-client.ts';
import { startOwners } from './owners.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

/** An address of the first node's kernel, one that only its speaker answers for, and one that nobody has. */
const kernelAddress = '198.18.0.1';
const speakerAddress = '198.18.1.1';
const nobodysAddress = '198.18.2.1';
const clientAddress = '198.18.0.250';

/** The kinds of client: patient, and as fast as answers come. */
const rhythms = [
  { name: '1 ms pause', pause: 1, count: 500 },
  { name: 'back to back', pause: 0, count: 5000 },
] as const;

/** All cases take turns this often, so that what else the machine does meets all of them. */
const rounds = 4;

/** Runs the client of both ARP benchmarks in a namespace. */
export const runArpClient = async (client: Namespace, order: ArpClientOrder): Promise<unknown> => {
  const argv = [process.execPath, `${import.meta.dirname}/arp-client.ts`, JSON.stringify(order)];
  const { stdout } = await client.exec(argv, { timeout: 60_000 });
  return JSON.parse(stdout);
};

/**
 * How long the speaker takes to answer an ARP request, beside the kernel on the same interface: one of two that own an
 * address each, and send each other beacons meanwhile.
 */
export const run = async (): Promise<BenchResult> => {
  await using lan = await makeLan(2);
  await startOwners(lan, [speakerAddress, '198.18.1.2']);

  const measure = (target: string, pause: number, count: number): Promise<Latencies> => {
    const isAnswered = target !== nobodysAddress;
    const order: ArpClientOrder = { type: 'latency', target, senderIp: clientAddress, pause, count, isAnswered };
    return runArpClient(lan.client, order) as Promise<Latencies>;
  };
  // Compilers settle, and the series of announcements ends.
  await measure(speakerAddress, 0, 20_000);
  await measure(speakerAddress, 1, 5000);

  const cases = rhythms.flatMap((rhythm) => [
    { ...rhythm, who: 'kernel', target: kernelAddress, samples: [] as number[], lost: 0 },
    { ...rhythm, who: 'speaker', target: speakerAddress, samples: [] as number[], lost: 0 },
    { ...rhythm, who: 'client alone', target: nobodysAddress, samples: [] as number[], lost: 0 },
  ]);
  for (let round = 0; round < rounds; round++) {
    for (const each of cases) {
      const { samples, lost } = await measure(each.target, each.pause, each.count);
      each.samples.push(...samples);
      each.lost += lost;
    }
  }
  const rows = cases.map(({ who, name, samples, lost }): BenchRow => ({
    case: `${who}, ${name}`,
    ...summarise(samples),
    lost,
  }));
  return { bench: 'arp', unit: 'us', rows };
};
