import { millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import { type Core, emit, isSelf, nextSequence, report } from './core.ts';
import { encodeMessage, encodePushPull, type StreamMessage } from './message.ts';
import type { Rules } from './rules.ts';

/** Exchanges of states, begun here or by others, and the other requests that come on streams. */
export type Exchanges = {
  /** Exchanges states; `token` marks a join, whose end is told. */
  readonly begin: (to: Endpoint, token?: number) => void;
  readonly answered: (exchange: number, message: StreamMessage) => void;
  readonly failed: (exchange: number, problem: string) => void;
  readonly request: (stream: number, message: StreamMessage) => void;
};

type Exchange = { readonly to: Endpoint; readonly token: number | undefined };

/** Exchanges in progress; more are not begun. */
const maxExchanges = 127;

/** Makes the exchanges of one member. */
export const createExchanges = (core: Core, rules: Rules): Exchanges => {
  const running = new Map<number, Exchange>();

  /** All that is known here. */
  const state = (isJoin: boolean): Uint8Array =>
    encodePushPull({
      type: 'pushPull',
      isJoin,
      nodes: core.table.all().map(({ name, endpoint, ...record }) => ({ ...record, ...endpoint, node: name })),
    });

  const end = ({ to, token }: Exchange, problem: string | undefined): void => {
    if (token !== undefined) emit(core, { type: 'joinEnded', token, problem });
    else if (problem !== undefined) report(core, { reason: 'exchangeFailed', to, detail: problem });
  };

  const merge = (message: StreamMessage): string | undefined => {
    if (message.type === 'pushPull') return rules.merge(message.nodes);
    return message.type === 'error' ? `remote error: ${message.text}` : `answered with ${message.type}`;
  };

  const take = (id: number): Exchange | undefined => {
    const exchange = running.get(id);
    running.delete(id);
    return exchange;
  };

  return {
    begin: (to, token) => {
      const exchange = { to, token };
      if (running.size >= maxExchanges) {
        end(exchange, 'too many exchanges at a time');
        return;
      }
      const id = nextSequence(core);
      running.set(id, exchange);
      const deadline = millis(core.now + core.options.config.tcpTimeout);
      emit(core, { type: 'exchange', exchange: id, to, octets: state(token !== undefined), deadline });
    },
    answered: (id, message) => {
      const exchange = take(id);
      if (exchange !== undefined) end(exchange, merge(message));
    },
    failed: (id, problem) => {
      const exchange = take(id);
      if (exchange !== undefined) end(exchange, problem);
    },
    request: (stream, message) => {
      switch (message.type) {
        case 'pushPull': {
          emit(core, { type: 'reply', stream, octets: state(message.isJoin) });
          const problem = rules.merge(message.nodes);
          if (problem !== undefined) report(core, { reason: 'incompatible', detail: problem });
          return;
        }
        case 'ping':
          if (message.node === '' || isSelf(core, message.node)) {
            const octets = encodeMessage({ type: 'ack', sequence: message.sequence });
            emit(core, { type: 'reply', stream, octets });
          } else emit(core, { type: 'refuse', stream, problem: `a ping for ${message.node}` });
          return;
        case 'ack':
        case 'error':
        case 'user':
          emit(core, { type: 'refuse', stream, problem: `${message.type} is no request` });
      }
    },
  };
};
