import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { shrinkHeap } from '../../src/io/collect-at-rest.ts';
import { Constant, poll } from '../../src/io/libc.ts';
import type { PacketSocket } from '../../src/io/packet-socket.ts';
import { WakeFd } from '../../src/io/wake-fd.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
import { createBeaconPace } from './beacon-pace.ts';
import { Lan, type LanSockets } from './lan.ts';
import type { ResponderCommand, ResponderData, ResponderMessage } from './messages.ts';
import { createPatience } from './patience.ts';

/**
 * No wait is longer: while the thread waits in a native call, neither `terminate()` nor `process.exit()` of the main
 * thread ends it. Four turns a second cost less than 0.02 % of a core.
 */
const longestWait = millis(250);

/** After so many turns in a row that found frames by looking, beacons, orders and link events get their chance. */
const mostLooks = 32;

const now = (): Millis => millis(performance.now());

/** `struct pollfd` in numbers of 32 bits: the descriptor, then the events asked for and those that came. */
const pollFdsOf = (fds: readonly number[]): Int32Array => Int32Array.from(fds.flatMap((fd) => [fd, Constant.POLLIN]));

/** The responder thread: one poll(2) over all sockets of the LAN, link events and the wake-up of the main thread. */
const run = (): void => {
  const main = parentPort!;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there is no origin
  const report = (message: ResponderMessage): void => main.postMessage(message);
  const { beats, ...options } = workerData as ResponderData;
  const beat = new Int32Array(beats);
  using closing = new DisposableStack();
  const wake = closing.adopt(new WakeFd(), (socket) => socket.close());
  const lan = closing.adopt(new Lan({ ...options, now, report }), (each) => each.close());
  const patience = createPatience();
  const pace = createBeaconPace();

  let sockets: LanSockets = { beacons: [], kernel: [], diagnoses: [], ports: [] };
  let packetSockets: PacketSocket[] = [];
  let pollFds: Int32Array = new Int32Array();
  /** Where in `pollFds` each kind of descriptor ends. */
  let ends = { beacons: 0, kernel: 0, diagnoses: 0 };
  /** True if the descriptors to wait for have changed, so that what poll(2) said of the old ones is void. */
  const watchSockets = (): boolean => {
    const changed = lan.takeSockets();
    if (changed === undefined) return false;
    sockets = changed;
    const { beacons, kernel, diagnoses, ports } = sockets;
    packetSockets = ports.map((port) => port.socket);
    pollFds = pollFdsOf([wake.fd, ...beacons, ...kernel, ...diagnoses, ...packetSockets.map(({ fd }) => fd)]);
    const beaconsEnd = 1 + beacons.length;
    const kernelEnd = beaconsEnd + kernel.length;
    ends = { beacons: beaconsEnd, kernel: kernelEnd, diagnoses: kernelEnd + diagnoses.length };
    return true;
  };
  /** Whether beacons wake the thread. */
  const setBeaconsAwake = (isAwake: boolean): void => {
    for (let position = 1; position < ends.beacons; position++)
      pollFds[2 * position + 1] = isAwake ? Constant.POLLIN : 0;
  };
  const isReady = (position: number): boolean => pollFds[2 * position + 1]! >>> 16 !== 0;
  const isBeaconReady = (position: number): boolean => isReady(1 + position);
  const isAnyReady = (from: number, end: number): boolean => {
    for (let position = from; position < end; position++) if (isReady(position)) return true;
    return false;
  };

  /** False once the thread is to end. */
  const obey = (time: Millis): boolean => {
    for (let batch = receiveMessageOnPort(main); batch !== undefined; batch = receiveMessageOnPort(main)) {
      for (const command of batch.message as readonly ResponderCommand[]) {
        if (command.type === 'stop') return false;
        if (command.type === 'shrink') shrinkHeap();
        else lan.obey(command, time);
      }
    }
    return true;
  };

  /** Looks for frames without going to sleep; true as soon as there is one. */
  const look = (duration: Millis): boolean => {
    if (duration === 0) return false;
    const start = performance.now();
    let isFound = false;
    let end = start;
    while (!isFound && end < start + duration) {
      isFound = packetSockets.some((socket) => socket.hasFrame);
      end = performance.now();
    }
    patience.looked(millis(end - start), isFound);
    return isFound;
  };

  report({ type: 'started', wakeFd: wake.fd });
  lan.turn(now());
  watchSockets();
  let deadline = lan.nextDeadline();
  /** Turns that may still begin with a look instead of poll(2); none unless the last turn had frames. */
  let looks = 0;
  for (;;) {
    Atomics.add(beat, 0, 1);
    let time = now();
    if (looks > 0 && time < deadline && look(patience.lookFor(time))) {
      looks -= 1;
      const { ports } = sockets;
      for (let index = 0; index < ports.length; index++)
        if (packetSockets[index]!.hasFrame) ports[index]!.receive(time);
      if (!lan.isTouched) continue;
    }
    looks = 0;
    const quietUntil = pace.quietUntil();
    const isQuiet = time < quietUntil;
    setBeaconsAwake(!isQuiet);
    const wakeAt = isQuiet ? Math.min(deadline, quietUntil) : deadline;
    const wait = time >= deadline || lan.isTouched ? 0 : Math.min(longestWait, Math.ceil(wakeAt - time));
    let isAny = poll(pollFds, wait) > 0;
    if (isQuiet && now() >= wakeAt) {
      setBeaconsAwake(true);
      isAny = poll(pollFds, 0) > 0;
    }
    time = now();
    // All that has come is read before any deadline is judged, beacons first.
    if (isAny && isAnyReady(1, ends.beacons)) pace.read(lan.receiveBeacons(isBeaconReady, time), time);
    if (isAny) {
      if (isReady(0)) {
        wake.clear();
        if (!obey(time)) return;
      }
      if (isAnyReady(ends.beacons, ends.kernel)) lan.receiveKernel(time);
      if (isAnyReady(ends.kernel, ends.diagnoses)) lan.receiveFindings(time);
    }
    if (time >= deadline || lan.isTouched) lan.turn(time);
    const isStale = watchSockets();
    if (isAny && !isStale) {
      const { ports } = sockets;
      for (let index = 0; index < ports.length; index++) {
        if (!isReady(ends.diagnoses + index)) continue;
        ports[index]!.receive(time);
        looks = mostLooks;
      }
    }
    deadline = lan.nextDeadline();
  }
};

run();
