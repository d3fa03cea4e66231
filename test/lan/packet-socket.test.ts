import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { connect, createNamespace } from '../support/netns.ts';
import type { FrameSeries, SeriesOutcome } from './packet-socket-program.ts';

/** More than the 2,048 slots of a ring, so that each of them, the last too, has held a frame of every length. */
const count = 5000;

const run = async (
  queue: 'ring' | 'socket',
  kept: number,
  series: readonly FrameSeries[],
): Promise<readonly SeriesOutcome[]> => {
  await using host = await createNamespace('host');
  await connect(host, 'eth0', host, 'eth1');
  const program = `${import.meta.dirname}/packet-socket-program.ts`;
  const { stdout } = await host.exec([process.execPath, program, queue, String(kept), JSON.stringify(series)]);
  return JSON.parse(stdout) as readonly SeriesOutcome[];
};

describe.runIf(process.getuid?.() === 0)('a packet socket', () => {
  test.each([
    ['ring', 44],
    ['socket', 44],
    ['ring', 128],
    ['socket', 1516],
  ] as const)('with a %s hands over the start of frames of any length, %i octets', async (queue, kept) => {
    const lengths = [14, 15, 41, 42, 43, 44, 45, 60, 61, 62, 63, 64, 100, 127, 128, 129, 1514];
    const outcomes = await run(
      queue,
      kept,
      lengths.map((length) => ({ length, count, atOnce: 1 })),
    );
    expect(outcomes).toEqual(
      lengths.map((length) => ({ received: count, lengths: [Math.min(length, kept)], wrong: 0 })),
    );
  });

  test('loses what comes while its ring is full, and nothing afterwards', async () => {
    const [tooMany, afterwards] = await run('ring', 44, [
      { length: 1514, count: 9000, atOnce: 9000 },
      { length: 60, count, atOnce: 500 },
    ]);
    expect(tooMany?.received).toBeGreaterThanOrEqual(2048);
    expect(tooMany?.received).toBeLessThan(9000);
    expect(tooMany?.wrong).toBe(0);
    expect(afterwards).toEqual({ received: count, lengths: [44], wrong: 0 });
  });

  test('hears nothing that came to an interface on top of its own: a macvlan, or likewise a VLAN', async () => {
    await using host = await createNamespace('host');
    await connect(host, 'eth0', host, 'eth1');
    await host.ip('link add link eth1 name mac0 type macvlan', 'link set dev mac0 up');
    const { stdout } = await host.exec([process.execPath, `${import.meta.dirname}/stacked-program.ts`]);
    expect(JSON.parse(stdout)).toEqual({ eth1: ['eth1'], mac0: ['mac0'] });
  });
});
