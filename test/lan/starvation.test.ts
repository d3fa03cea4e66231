import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CpuGroup, weightOfRequest } from '../support/cpu-groups.ts';
import type { Namespace } from '../support/netns.ts';
import { ThreeNodes } from './three-nodes.ts';

/** For how long there is nothing to spare. */
const duration = 8000;

/** Starts processes on a node that do nothing but use processors, so many for each core, and end by themselves. */
const useProcessors = (host: Namespace, perCore: number): ChildProcess[] =>
  Array.from({ length: perCore * availableParallelism() }, () =>
    host.spawn([process.execPath, '-e', `const end = Date.now() + ${duration}; while (Date.now() < end);`]),
  );

const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();

/** What the others noticed of it, and what a client did. */
const tell = (three: ThreeNodes, what: string, since: number): void => {
  const reports = three.speakers().flatMap((speaker) => speaker.ownership());
  const lost = reports.flatMap((report) => (report.type === 'beaconsLost' ? [report.count] : []));
  const suspicions = reports.flatMap((report) => (report.type === 'suspicion' ? [report.outcome] : []));
  console.log(
    `${what}: ${three.asking.longestGap(since).toFixed(0)} ms without an answer, ` +
      `${lost.reduce((sum, count) => sum + count, 0)} beacons late or lost, suspicions: ${suspicions.join(', ') || 'none'}`,
  );
};

describe.runIf(process.getuid?.() === 0)('a node whose processors are all in use', () => {
  test('keeps what it owns beside busy loops of the same priority', async () => {
    await using three = await ThreeNodes.make();
    const owner = await three.settle();
    const since = Date.now();
    const busy = useProcessors(three.lan.nodes[owner]!, 2);
    await Promise.all(busy.map(ended));
    tell(three, 'busy loops', since);
    expect(three.speakers().flatMap((speaker) => speaker.assumptions())).toEqual(['first']);
    expect(three.asking.answering(Date.now() - since)).toEqual([three.lan.macs[owner]]);
  });

  test('keeps what it owns with the requested 100m beside a pod that takes the rest', async () => {
    // The machine's other work is no part of this, and the others are on nodes of their own.
    using all = CpuGroup.make(1000);
    if (all === undefined) throw new Error('control groups for processor time are needed');
    await using three = await ThreeNodes.make();
    const owner = await three.settle();
    const speakers = all.child('speaker', weightOfRequest(100));
    const others = all.child('others', 10_000);
    const greedy = all.child('greedy', weightOfRequest(2000));
    for (const [index, speaker] of three.speakers().entries())
      (index === owner ? speakers : others).add(speaker.child.pid!);
    await sleep(500);
    const since = Date.now();
    const busy = useProcessors(three.lan.nodes[owner]!, 2);
    for (const { pid } of busy) greedy.add(pid!);
    await Promise.all(busy.map(ended));
    tell(three, '100m beside 2000m', since);
    expect(three.speakers().flatMap((speaker) => speaker.assumptions())).toEqual(['first']);
    expect(three.asking.answering(Date.now() - since)).toEqual([three.lan.macs[owner]]);
  });
});
