/**
 * The responder thread under a main thread that does what its parent says over the IPC channel: orders come as they are,
 * reports go back as they are. A number keeps the main thread busy for so many ms; the text 'exit' ends the process as an
 * error does that nobody expected. Its argument is a `ResponderProgramOptions` in JSON.
 */
import process from 'node:process';
import { type ResponderThread, startResponder } from '../../speaker/responder/client.ts';
import type { ResponderOrder, ResponderProgramOptions } from './responder-process.ts';

const perform = (responder: ResponderThread, order: ResponderOrder): void => {
  switch (order.type) {
    case 'groups':
      return responder.groups(order.changed, order.removed);
    case 'members':
      return responder.members(order.members, order.isComplete);
    case 'watchCurrent':
      return responder.watchCurrent(order.isCurrent);
    case 'handOver':
      return responder.handOver(order.keys, order.to);
    case 'key':
      return responder.key(order.secret);
    case 'shrink':
      return responder.shrink();
    case 'leave':
      void responder.leave(order.within);
      return;
    case 'stop':
      void responder.stop().then(() => process.disconnect?.());
  }
};

const { excluded, secret, ...options } = JSON.parse(process.argv[2] ?? '') as ResponderProgramOptions;
const thread = startResponder({
  ...options,
  excluded: excluded.map((pattern) => new RegExp(pattern)),
  secret: secret === undefined ? undefined : new TextEncoder().encode(secret),
});
thread.onReport((report) => process.send?.(report));
process.on('message', (message: readonly ResponderOrder[] | number | 'exit') => {
  if (message === 'exit') process.exit(3);
  if (typeof message === 'number') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message);
  else for (const order of message) perform(thread, order);
});
