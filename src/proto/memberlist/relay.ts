import { after, type Core, isSelf, nextSequence, ownSource, sendMessage, type Timer } from './core.ts';
import type { Endpoint } from './address.ts';
import type { IndirectPing, Ping } from './message.ts';

/** Pings relayed at a time; more are not answered. */
const maxRelays = 1024;

/** Answers a ping, unless it is meant for another member. */
export const answerPing = (core: Core, from: Endpoint, { node, sequence, source }: Ping): void => {
  if (node === '' || isSelf(core, node)) sendMessage(core, source ?? from, { type: 'ack', sequence });
};

/** Pings somebody for another member, and passes the answer on; without one in time it gets a negative answer. */
export const relayPing = (core: Core, from: Endpoint, request: IndirectPing): void => {
  if (core.acks.size >= maxRelays) return;
  const { endpoint, config } = core.options;
  const asker = request.source ?? from;
  const sequence = nextSequence(core);
  const timer: Timer = {
    run: () => {
      core.acks.delete(sequence);
      if (request.wantsNack) sendMessage(core, asker, { type: 'nack', sequence: request.sequence });
    },
  };
  core.acks.set(sequence, {
    onAck: () => {
      core.timers.delete(timer);
      sendMessage(core, asker, { type: 'ack', sequence: request.sequence });
    },
  });
  after(core, config.probeTimeout, timer);
  const to = { address: request.target, port: request.port || endpoint.port };
  sendMessage(core, to, { type: 'ping', sequence, node: request.node, source: ownSource(core) });
};
