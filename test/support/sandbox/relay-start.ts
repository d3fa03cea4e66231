import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type ProcessId, processIdOf } from '../process-id.ts';

/**
 * Starts the relay from a port of the machine's loopback to `host:port` in a namespace. The port is the kernel's choice;
 * the relay outlives this process.
 */
export const startRelay = async (
  namespace: string,
  host: string,
  port: number,
  logFile: string,
): Promise<{ readonly id: ProcessId; readonly port: number }> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const log = openSync(logFile, 'a');
  const program = [process.execPath, join(import.meta.dirname, 'relay.ts'), host, `${port}`];
  const child = spawn('ip', ['netns', 'exec', namespace, ...program], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  child.send('listen', server);
  // The relay closes the channel once it has the server.
  await Promise.race([
    once(child, 'disconnect'),
    once(child, 'exit').then(() => {
      throw new Error(`the relay has ended; see ${logFile}`);
    }),
  ]);
  server.close();
  child.unref();
  const id = child.pid === undefined ? undefined : processIdOf(child.pid);
  if (id === undefined) throw new Error(`the relay has ended; see ${logFile}`);
  return { id, port: address.port };
};
