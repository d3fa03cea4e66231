/**
 * The responder thread under a main thread that does what its parent says over the IPC channel: commands come as they
 * are, reports go back as they are. A number keeps the main thread busy for so many ms; the text 'exit' ends the process
 * as an error does that nobody expected. Its arguments are the expressions of excluded interfaces.
 */
import process from 'node:process';
import { type ResponderThread, startResponder } from '../../speaker/responder/client.ts';
import type { ResponderCommand } from '../../speaker/responder/messages.ts';

const perform = (responder: ResponderThread, command: ResponderCommand): void => {
  switch (command.type) {
    case 'announce':
      return responder.announce(command.ip, command.interfaces);
    case 'withdraw':
      return responder.withdraw(command.ip);
    case 'stop':
      void responder.stop().then(() => process.disconnect?.());
  }
};

const thread = startResponder({ excluded: process.argv.slice(2).map((pattern) => new RegExp(pattern)) });
thread.onReport((report) => process.send?.(report));
process.on('message', (message: readonly ResponderCommand[] | number | 'exit') => {
  if (message === 'exit') process.exit(3);
  if (typeof message === 'number') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message);
  else for (const command of message) perform(thread, command);
});
