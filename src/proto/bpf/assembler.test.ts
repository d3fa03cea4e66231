import { expect, test } from 'vitest';
import { assembleBpf, BpfCode, encodeBpf } from './assembler.ts';
import { runBpf } from '../../../test/support/bpf-interpreter.ts';

test('a program is written as the kernel takes it', () => {
  const assembler = assembleBpf();
  const reject = assembler.write(BpfCode.return, 0);
  const accept = assembler.write(BpfCode.return, 0x4_0000);
  assembler.branch(BpfCode.jumpIfEqual, 0x0806, accept, reject);
  assembler.write(BpfCode.loadHalf, 12);
  // As `tcpdump -ddd arp` prints it: 40 0 0 12, 21 0 1 2054, 6 0 0 262144, 6 0 0 0.
  expect(encodeBpf(assembler.finish()).toHex()).toBe(
    [
      '2800' + '00' + '00' + '0c000000',
      '1500' + '00' + '01' + '06080000',
      '0600' + '00' + '00' + '00000400',
      '0600' + '00' + '00' + '00000000',
    ].join(''),
  );
});

test('branches reach targets however far away they are', () => {
  const assembler = assembleBpf();
  const reject = assembler.write(BpfCode.return, 0);
  const accept = assembler.write(BpfCode.return, 1);
  // 1,000 numbers compared one after the other, all with the same two targets.
  let next = reject;
  for (let number = 999; number >= 0; number--) {
    next = assembler.branch(BpfCode.jumpIfEqual, number * 3, accept, next);
  }
  assembler.write(BpfCode.loadWord, 0);
  const program = assembler.finish();
  expect(program.length).toBe(assembler.length());
  expect(program.length).toBeLessThan(1020);
  const ask = (value: number): number => {
    const packet = new Uint8Array(4);
    new DataView(packet.buffer).setUint32(0, value);
    return runBpf(program, packet);
  };
  for (let number = 0; number < 1000; number++) {
    expect([ask(number * 3), ask(number * 3 + 1)], `number ${number}`).toEqual([1, 0]);
  }
});
