/**
 * Brings the API server of a sandbox to a port of the machine's loopback: `node relay.ts HOST PORT`. It runs inside the
 * control plane's namespace and is given, over the IPC channel, a server that listens in the machine's own; a socket
 * stays in the namespace where it was made. So one hop joins the two, and no interface does.
 */
import { connect, type Server, type Socket } from 'node:net';

const [host = '', port = ''] = process.argv.slice(2);

const join = (from: Socket): void => {
  const to = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  from.setNoDelay(true);
  from.pipe(to);
  to.pipe(from);
  // Whichever side breaks (the API server being down, for one), the other is told by a reset.
  from.on('error', () => to.destroy());
  to.on('error', () => from.resetAndDestroy());
  from.on('close', () => to.destroy());
};

process.once('message', (_message, server) => {
  (server as Server).on('connection', join);
  process.disconnect?.();
});
