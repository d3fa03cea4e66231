import { readdirSync, readFileSync } from 'node:fs';
import { type ResponderProcess, startResponderProcess } from '../test/lan/responder-process.ts';
import { createNamespace, makeSwitch, plugIn } from '../test/support/netns.ts';
import { runArpClient } from './arp.ts';
import type { FloodOutcome } from './arp-client.ts';
import type { BenchResult } from './result.ts';

const nodeCount = 3;
const rate = 20_000;
const seconds = 5;

/** Milliseconds of processor time of all threads of a process so far. */
const processorTime = ({ child }: ResponderProcess): number => {
  const tasks = `/proc/${child.pid}/task`;
  // The first field of schedstat counts nanoseconds on a processor; /proc/PID/stat only samples.
  const ofTask = (task: string): number => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
  return readdirSync(tasks).reduce((sum, task) => sum + ofTask(task), 0) / 1e6;
};

/** What a flood of broadcast requests for one address costs the speaker that owns it and those that do not. */
export const run = async (): Promise<BenchResult> => {
  await using stack = new AsyncDisposableStack();
  const lan = stack.use(await createNamespace('lan'));
  await makeSwitch(lan);
  const client = stack.use(await createNamespace('client'));
  await plugIn(lan, 'client', client, 'eth0');
  await client.addAddress('eth0', '198.18.0.250/16');
  const responders: ResponderProcess[] = [];
  for (let index = 0; index < nodeCount; index++) {
    const node = stack.use(await createNamespace(`n${index}`));
    await plugIn(lan, `n${index}`, node, 'eth0');
    await node.addAddress('eth0', `198.18.0.${index + 1}/16`);
    const responder = stack.use(await startResponderProcess(node));
    responder.announce([`198.18.1.${index + 1}`]); // every node owns an address, the first the one that is asked for
    responders.push(responder);
  }
  const flood = async (duration: number): Promise<FloodOutcome> =>
    (await runArpClient(client, {
      type: 'flood',
      target: '198.18.1.1',
      senderIp: '198.18.0.250',
      rate,
      seconds: duration,
    })) as FloodOutcome;
  await flood(2); // compilers settle

  const before = responders.map(processorTime);
  const { sent, answered } = await flood(seconds);
  const used = responders.map(
    (responder, index) => ((processorTime(responder) - before[index]!) / (seconds * 1000)) * 100,
  );
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
