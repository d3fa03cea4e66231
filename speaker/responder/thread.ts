import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Constant, poll } from '../../src/io/libc.ts';
import { LinkSocket } from '../../src/io/netlink.ts';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { WakeFd } from '../../src/io/wake-fd.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { createLinkTable } from './links.ts';
import type { ResponderCommand, ResponderMessage, ResponderOptions } from './messages.ts';
import { createPatience } from './patience.ts';
import type { Port } from './port.ts';
import { Responder } from './responder.ts';

/**
 * No wait is longer: while the thread waits in a native call, neither `terminate()` nor `process.exit()` of the main
 * thread ends it. Four turns a second cost less than 0.02 % of a core.
 */
const longestWait = millis(250);

/** After so many turns in a row that found frames by looking, orders and link events get their chance. */
const mostLooks = 32;

const now = (): Millis => millis(performance.now());

/** The responder thread: one poll(2) over packet sockets, link events and the wake-up of the main thread. */
const run = (): void => {
  const main = parentPort!;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there is no origin
  const report = (message: ResponderMessage): void => main.postMessage(message);
  const { excluded } = workerData as ResponderOptions;
  const links = createLinkTable();
  using closing = new DisposableStack();
  const wake = closing.adopt(new WakeFd(), (socket) => socket.close());
  const linkSocket = closing.adopt(new LinkSocket(), (socket) => socket.close());
  const responder = closing.adopt(
    new Responder({
      openSocket: (index, filters) => new PacketSocket(index, EtherType.arp, filters),
      random: Math.random,
      isExcluded: (name) => excluded.some((pattern) => pattern.test(name)),
      report,
    }),
    (each) => each.close(now()),
  );
  let ports: Port<PacketSocket>[] = [];
  let sockets: PacketSocket[] = [];
  let pollFds = new Int32Array();
  const patience = createPatience();

  /** Two numbers per descriptor, `struct pollfd`: the descriptor, then the events asked for and those that came. */
  const watchPorts = (): void => {
    ports = [...responder.ports()];
    sockets = ports.map((port) => port.socket);
    const fds = [wake.fd, linkSocket.fd, ...sockets.map((socket) => socket.fd)];
    pollFds = Int32Array.from(fds.flatMap((fd) => [fd, Constant.POLLIN]));
  };
  const isReady = (position: number): boolean => pollFds[2 * position + 1]! >>> 16 !== 0;

  const requestLinks = (time: Millis): void => {
    const sequence = links.takeRequest(time);
    if (sequence !== undefined) linkSocket.requestDump(sequence);
  };
  const receiveLinks = (): void => {
    linkSocket.receive((event) => links.apply(event));
    if (links.isComplete() && responder.setLinks(links.links(), now())) watchPorts();
  };

  /** False once the thread is to end. */
  const obey = (): boolean => {
    for (let batch = receiveMessageOnPort(main); batch !== undefined; batch = receiveMessageOnPort(main)) {
      for (const command of batch.message as readonly ResponderCommand[]) {
        if (command.type === 'stop') return false;
        responder.perform(command, now());
      }
    }
    responder.settle();
    return true;
  };

  /** Looks for frames without going to sleep; true as soon as there is one. */
  const look = (duration: Millis): boolean => {
    if (duration === 0) return false;
    const start = performance.now();
    let isFound = false;
    let end = start;
    while (!isFound && end < start + duration) {
      isFound = sockets.some((socket) => socket.hasFrame);
      end = performance.now();
    }
    patience.looked(millis(end - start), isFound);
    return isFound;
  };

  report({ type: 'started', wakeFd: wake.fd });
  watchPorts();
  /** Turns that may still begin with a look instead of poll(2); none unless the last turn had frames. */
  let looks = 0;
  for (;;) {
    const time = now();
    const deadline = responder.nextDeadline();
    if (time >= deadline && responder.turn(time)) watchPorts();
    requestLinks(time);
    if (looks > 0 && look(patience.lookFor(time))) {
      looks -= 1;
      for (let index = 0; index < ports.length; index++) if (sockets[index]!.hasFrame) ports[index]!.receive(time);
      continue;
    }
    const wait = time >= deadline ? 0 : Math.min(longestWait, Math.ceil(deadline - time));
    looks = 0;
    if (poll(pollFds, wait) <= 0) continue;
    for (let index = 0; index < ports.length; index++) {
      if (!isReady(index + 2)) continue;
      ports[index]!.receive(time);
      looks = mostLooks;
    }
    if (isReady(0)) {
      wake.clear();
      if (!obey()) return;
    }
    if (isReady(1)) receiveLinks();
  }
};

run();
