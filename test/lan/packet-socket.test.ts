import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { connect, createNamespace } from '../support/netns.ts';
import type { PacketSocketOutcome } from './packet-socket-program.ts';

/** More than the slots of a ring, so that each of them, the last too, has held a frame of every length. */
const count = 5000;

describe.runIf(process.getuid?.() === 0)('a packet socket', () => {
  test.each(['ring', 'socket'])(
    'with its frames in a %s hands over the start of frames of any length',
    async (queue) => {
      await using host = await createNamespace('host');
      await connect(host, 'eth0', host, 'eth1');
      const program = `${import.meta.dirname}/packet-socket-program.ts`;
      const lengths = [14, 15, 41, 42, 43, 44, 45, 60, 61, 62, 63, 64, 100, 1514];
      const { stdout } = await host.exec([process.execPath, program, queue, lengths.join(','), `${count}`]);
      expect(JSON.parse(stdout) as PacketSocketOutcome).toEqual(
        Object.fromEntries(
          lengths.map((length) => [length, { received: count, lengths: [Math.min(length, 44)], wrong: 0 }]),
        ),
      );
    },
  );

  test('hears nothing that came to an interface on top of its own, in the kernel with the same hook as a VLAN', async () => {
    await using host = await createNamespace('host');
    await connect(host, 'eth0', host, 'eth1');
    await host.ip('link add link eth1 name mac0 type macvlan', 'link set dev mac0 up');
    const program = `${import.meta.dirname}/stacked-program.ts`;
    const { stdout } = await host.exec([process.execPath, program]);
    expect(JSON.parse(stdout)).toEqual({ eth1: ['eth1'], mac0: ['mac0'] });
  });
});
