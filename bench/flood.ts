import { readdirSync, readFileSync } from 'node:fs';
import { makeLan } from '../test/lan/members.ts';
import type { ResponderProcess } from '../test/lan/responder-process.ts';
import { runArpClient } from './arp.ts';
import type { FloodOutcome } from './arp-client.ts';
import { startOwners } from './owners.ts';
import type { BenchResult } from './result.ts';

/** Every node owns one, the first the one that is asked for. */
const addresses = ['198.18.1.1', '198.18.1.2', '198.18.1.3'];
const rate = 20_000;
const seconds = 5;

/** Milliseconds of processor time of all threads of a process so far. */
const processorTime = ({ child }: ResponderProcess): number => {
  const tasks = `/proc/${child.pid}/task`;
  // The first field of schedstat counts nanoseconds on a processor; /proc/PID/stat only samples.
  const ofTask = (task: string): number => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
  return readdirSync(tasks).reduce((sum, task) => sum + ofTask(task), 0) / 1e6;
};

/**
 * What a flood of broadcast requests for one address costs the speaker that owns it and those that do not, while they
 * send each other beacons.
 */
export const run = async (): Promise<BenchResult> => {
  await using lan = await makeLan(addresses.length);
  const speakers = await startOwners(lan, addresses);
  const flood = async (duration: number): Promise<FloodOutcome> =>
    (await runArpClient(lan.client, {
      type: 'flood',
      target: addresses[0]!,
      senderIp: '198.18.0.250',
      rate,
      seconds: duration,
    })) as FloodOutcome;
  await flood(2); // compilers settle

  const before = speakers.map(processorTime);
  const { sent, answered } = await flood(seconds);
  const used = speakers.map((speaker, index) => ((processorTime(speaker) - before[index]!) / (seconds * 1000)) * 100);
  const [owner = Number.NaN, ...others] = used;
  return {
    bench: 'flood',
    unit: 'us',
    rows: [
      { case: 'owner', n: sent, lost: sent - answered, cpuPercent: owner, answeredPercent: (answered / sent) * 100 },
      { case: 'other nodes', n: sent, cpuPercent: Math.max(...others) },
    ],
  };
};
