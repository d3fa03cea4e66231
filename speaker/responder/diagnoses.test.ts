import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import { Diagnoses, type Probe } from './diagnoses.ts';

class MemoryProbe implements Probe {
  readonly fd: number;
  readonly sent: Uint8Array[] = [];
  isOpen = true;
  isRefused = false;
  /** The answer to each datagram comes before the next one is sent. */
  isAnsweredAtOnce = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  send(datagram: Uint8Array): boolean {
    if (this.isAnsweredAtOnce && this.sent.length > 0) this.isRefused = true;
    this.sent.push(datagram);
    return true;
  }

  receive(): void {}

  close(): void {
    this.isOpen = false;
  }
}

const address = '198.18.0.2' as Ip;
const mac = 0x02420a000002 as Mac;
const question = { node: 'n2', interface: 3, address, mac };
const eth1 = { index: 3, name: 'eth1' };
const datagram = Uint8Array.of(7);

const rig = () => {
  const probes: MemoryProbe[] = [];
  const asked: unknown[] = [];
  let isReachable = true;
  const diagnoses = new Diagnoses({
    openProbe: () => {
      if (!isReachable) return undefined;
      probes.push(new MemoryProbe(10 + probes.length));
      return probes.at(-1)!;
    },
    askKernel: (...all) => asked.push(all),
  });
  return { diagnoses, probes, asked, cut: () => (isReachable = false) };
};

test('beacon port and kernel are asked at once', () => {
  const { diagnoses, probes, asked } = rig();
  expect(diagnoses.begin(question, eth1, [datagram], millis(5))).toBe(true);
  expect([probes.map(({ sent }) => sent), asked]).toEqual([[[datagram]], [[3, address, mac, 5]]]);
  expect(diagnoses.fds()).toEqual([10]);
});

test('where no way leads to the host its kernel is asked all the same', () => {
  const { diagnoses, asked, cut } = rig();
  cut();
  expect(diagnoses.begin(question, eth1, [datagram], millis(5))).toBe(false);
  expect([asked.length, diagnoses.fds(), diagnoses.receive()]).toEqual([1, [], []]);
});

test('a refusal says that the speaker has gone, once, and its socket is closed', () => {
  const { diagnoses, probes } = rig();
  diagnoses.begin(question, eth1, [datagram], millis(0));
  expect(diagnoses.receive()).toEqual([]);
  probes[0]!.isRefused = true;
  const refused = { type: 'diagnosed', node: 'n2', interface: 3, finding: 'portUnreachable' };
  expect([diagnoses.receive(), diagnoses.receive()]).toEqual([[refused], []]);
  expect([probes[0]!.isOpen, diagnoses.fds()]).toEqual([false, []]);
});

test('a refusal that comes between two questions is due at once, though no socket is ready', () => {
  const { diagnoses, probes } = rig();
  diagnoses.begin(question, eth1, [datagram], millis(5));
  expect(diagnoses.nextDeadline()).toBe(30);
  probes[0]!.isAnsweredAtOnce = true;
  diagnoses.turn(millis(30));
  expect(diagnoses.nextDeadline()).toBeLessThanOrEqual(30);
  expect(diagnoses.receive()).toMatchObject([{ node: 'n2', finding: 'portUnreachable' }]);
  expect(diagnoses.nextDeadline()).toBe(Infinity);
});

test('an answer of the kernel counts from the MAC that was asked, on that interface', () => {
  const { diagnoses } = rig();
  diagnoses.begin(question, eth1, [datagram], millis(0));
  expect(diagnoses.answered(3, address, mac)).toEqual([
    { type: 'diagnosed', node: 'n2', interface: 3, finding: 'hostAnswers' },
  ]);
  expect(diagnoses.answered(2, address, mac)).toEqual([]);
  expect(diagnoses.answered(3, '198.18.0.3' as Ip, mac)).toEqual([]);
  expect(diagnoses.answered(3, address, 7 as Mac)).toEqual([]);
});

test('after a second nothing is waited for any more', () => {
  const { diagnoses, probes } = rig();
  diagnoses.begin(question, eth1, [datagram], millis(0));
  diagnoses.begin({ ...question, node: 'n3' }, eth1, [datagram], millis(300));
  expect([diagnoses.turn(millis(999)), diagnoses.nextDeadline(), diagnoses.turn(millis(1000))]).toEqual([
    false,
    1000,
    true,
  ]);
  expect([probes.map(({ isOpen }) => isOpen), diagnoses.nextDeadline()]).toEqual([[false, true], 1300]);
  expect(diagnoses.answered(3, address, mac).map(({ node }) => node)).toEqual(['n3']);
});

test('the port is asked again for a while, because a dying process keeps its sockets', () => {
  const { diagnoses, probes } = rig();
  diagnoses.begin(question, eth1, [datagram], millis(0));
  const asked: number[] = [];
  for (let now = diagnoses.nextDeadline(); now < 1000; now = diagnoses.nextDeadline()) {
    asked.push(now);
    expect(diagnoses.turn(now)).toBe(false);
  }
  expect([asked, probes[0]!.sent.length]).toEqual([[25, 75, 150, 300], 5]);
  diagnoses.begin(question, eth1, [datagram], millis(1000));
  diagnoses.turn(millis(1200)); // late: one question, not three
  expect([probes[1]!.sent.length, diagnoses.nextDeadline()]).toEqual([2, 1300]);
});

test('sockets are bounded, and closed at the end', () => {
  const { diagnoses, probes } = rig();
  for (let index = 0; index < 100; index++)
    diagnoses.begin({ ...question, node: `n${index}` }, eth1, [datagram], millis(index));
  expect([probes.filter(({ isOpen }) => isOpen).length, probes[0]!.isOpen, probes[99]!.isOpen]).toEqual([
    64,
    false,
    true,
  ]);
  diagnoses.close();
  expect(probes.filter(({ isOpen }) => isOpen)).toEqual([]);
});
