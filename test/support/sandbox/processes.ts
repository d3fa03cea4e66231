import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Component } from '../control-plane/components.ts';
import { isRunning, type ProcessId, processIdOf, signalGroup } from '../process-id.ts';

/** A component as it was started: what it takes to stop it and to start it again. */
export type StartedComponent = Component & {
  readonly id: ProcessId;
  /** When it was started last, in ISO 8601. */
  readonly startedAt: string;
  /** Where its output goes. */
  readonly logFile: string;
};

/** A component ended, or did not get ready in time; the message ends with the last lines it logged. */
export class ComponentError extends Error {
  override readonly name = 'ComponentError';

  constructor(reason: string, logFile: string, cause?: unknown) {
    super(`${reason}; the end of ${logFile}:\n${lastLines(logFile, 20)}`, { cause });
  }
}

const lastLines = (file: string, count: number): string =>
  readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');

/**
 * Starts a component in a namespace, as the leader of a process group of its own, so that it outlives the terminal and
 * is stopped with its children.
 */
export const startComponent = (component: Component, namespace: string, logFolder: string): StartedComponent => {
  const logFile = join(logFolder, `${component.name}.log`);
  const log = openSync(logFile, 'a');
  try {
    writeSync(log, `+ ${component.argv.join(' ')}\n`);
    const child = spawn('ip', ['netns', 'exec', namespace, ...component.argv], {
      detached: true,
      env: componentEnvironment(),
      stdio: ['ignore', log, log],
    });
    child.unref();
    const id = child.pid === undefined ? undefined : processIdOf(child.pid);
    if (id === undefined) throw new ComponentError(`${component.name} did not start`, logFile);
    return { ...component, id, logFile, startedAt: new Date().toISOString() };
  } finally {
    closeSync(log);
  }
};

/** Settings of this process, of a proxy to the internet for one, are nothing to the cluster. */
const componentEnvironment = (): NodeJS.ProcessEnv => {
  const kept = ['HOME', 'PATH', 'TMPDIR', 'XDG_CACHE_HOME'];
  return Object.fromEntries(kept.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])));
};

/** Ends a process group with SIGTERM, after `grace` milliseconds with SIGKILL; resolves when its leader has ended. */
export const stopProcess = async (id: ProcessId, grace: number): Promise<void> => {
  signalGroup(id, 'SIGTERM');
  const end = performance.now() + grace;
  while (isRunning(id) && performance.now() < end) await sleep(10);
  signalGroup(id, 'SIGKILL');
  while (isRunning(id)) await sleep(10);
};

/**
 * Polls until a component is ready. Rejects at once when it has ended, and after `timeout` milliseconds. A check that
 * rejects counts as not ready yet.
 */
export const waitUntilReady = async (
  { name, id, logFile }: StartedComponent,
  isReady: () => Promise<boolean>,
  { timeout, signal }: { readonly timeout: number; readonly signal?: AbortSignal | undefined },
): Promise<void> => {
  const end = performance.now() + timeout;
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    if (!isRunning(id)) throw new ComponentError(`${name} has ended`, logFile);
    try {
      if (await isReady()) return;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end)
      throw new ComponentError(`${name} is not ready after ${timeout / 1000} s`, logFile, lastError);
    await sleep(25);
  }
};
