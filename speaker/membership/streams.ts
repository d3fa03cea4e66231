import { connect, type Server, type Socket } from 'node:net';
import type { Clock, Millis } from '../../src/lib/time.ts';
import { millis } from '../../src/lib/time.ts';
import type { Endpoint } from '../../src/proto/memberlist/address.ts';
import { encodeMessage, type StreamMessage } from '../../src/proto/memberlist/message.ts';
import type { Opening } from '../../src/proto/memberlist/packet.ts';
import { createStreamFramer, openStream } from '../../src/proto/memberlist/stream.ts';

/** Octets that all streams together may hold of messages not complete yet. */
const maxHeld = 16 * 1024 * 1024;

/** What streams need of the membership they belong to. */
export type StreamsOptions = {
  readonly clock: Clock;
  /** How long others may take for a request and its answer. */
  readonly timeout: Millis;
  readonly opening: () => Opening;
  readonly seal: (message: Uint8Array) => Uint8Array;
  readonly onRequest: (stream: number, message: StreamMessage) => void;
  readonly onResponse: (exchange: number, message: StreamMessage) => void;
  readonly onFailed: (exchange: number, problem: string) => void;
  /** A stream of another was not understood. */
  readonly onRefused: (from: string, problem: string) => void;
};

/** The TCP side: each connection carries one message in either direction. */
export type Streams = {
  readonly exchange: (exchange: number, to: Endpoint, octets: Uint8Array, deadline: Millis) => void;
  /** Answers a request and ends its stream. */
  readonly reply: (stream: number, octets: Uint8Array) => void;
  /** Ends a request's stream without an answer. */
  readonly refuse: (stream: number) => void;
  /** Ends all streams. */
  readonly close: () => void;
};

/** Serves the connections of `server`, and opens others. */
export const createStreams = (server: Server, options: StreamsOptions): Streams => {
  const { clock, timeout, opening, seal } = options;
  const sockets = new Set<Socket>();
  const requests = new Map<number, Socket>();
  let lastStream = 0;
  let held = 0;
  let isClosed = false;

  /** Follows a socket until `deadline`: gives its one message, or says why there is none. */
  const follow = (
    socket: Socket,
    deadline: Millis,
    onFrame: (frame: Uint8Array) => void,
    onEnd: (problem: string) => void,
  ): void => {
    const framer = createStreamFramer(opening().acceptsClear);
    let counted = 0;
    let isOver = false;
    const count = (size: number): void => {
      held += size - counted;
      counted = size;
    };
    const finish = (problem: string): void => {
      if (isOver) return;
      isOver = true;
      count(0);
      if (!isClosed) onEnd(problem);
    };
    const cancel = clock.after(millis(Math.max(0, deadline - clock.now())), () => {
      finish('no answer in time');
      socket.destroy();
    });
    sockets.add(socket);
    socket.on('data', (chunk: Uint8Array) => {
      if (isOver) return;
      const step = framer.push(chunk);
      count(framer.size());
      if (!step.ok || held > maxHeld) {
        finish(step.ok ? 'too much is being received' : step.error.message);
        socket.destroy();
      } else if (step.value !== undefined) {
        isOver = true;
        count(0);
        onFrame(step.value);
      }
    });
    socket.on('error', (error) => finish(error.message));
    socket.on('close', () => {
      cancel();
      sockets.delete(socket);
      finish('the other side ended the stream');
    });
  };

  server.on('connection', (socket) => {
    const from = socket.remoteAddress ?? 'unknown';
    const stream = ++lastStream;
    socket.once('close', () => requests.delete(stream));
    follow(
      socket,
      millis(clock.now() + timeout),
      (frame) => {
        const message = openStream(frame, opening());
        if (message.ok) {
          requests.set(stream, socket);
          options.onRequest(stream, message.value);
          return;
        }
        options.onRefused(from, message.error);
        socket.end(seal(encodeMessage({ type: 'error', text: message.error })));
      },
      (problem) => options.onRefused(from, problem),
    );
  });

  const take = (stream: number): Socket | undefined => {
    const socket = requests.get(stream);
    requests.delete(stream);
    return socket;
  };

  return {
    exchange: (exchange, { address, port }, octets, deadline) => {
      const socket = connect({ host: address, port });
      socket.once('connect', () => socket.write(seal(octets)));
      follow(
        socket,
        deadline,
        (frame) => {
          socket.end();
          const message = openStream(frame, opening());
          if (message.ok) options.onResponse(exchange, message.value);
          else options.onFailed(exchange, message.error);
        },
        (problem) => options.onFailed(exchange, problem),
      );
    },
    reply: (stream, octets) => void take(stream)?.end(seal(octets)),
    refuse: (stream) => void take(stream)?.destroy(),
    close: () => {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
};
