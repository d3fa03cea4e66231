import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../src/lib/log.ts';
import { isRunning, ownProcessId, type ProcessId } from '../process-id.ts';

/** How often the end of the other agent is looked for, in ms. */
const lookInterval = 50;

/**
 * Waits until no other node agent works in this folder, and takes it. One that was told to end still stops its
 * containers for a while and tidies up after them.
 */
export const becomeOnlyAgent = async (stateDir: string, log: Log): Promise<void> => {
  const file = join(stateDir, 'agent.json');
  let isTold = false;
  for (let other = readOwner(file); other !== undefined && isRunning(other); other = readOwner(file)) {
    if (!isTold) log.warn('waiting for another node agent to end', { pid: other.pid });
    isTold = true;
    await sleep(lookInterval);
  }
  writeFileSync(file, JSON.stringify(ownProcessId()));
};

const readOwner = (file: string): ProcessId | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessId;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
