import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProxyMode } from '../control-plane/components.ts';
import type { Programs } from '../kubernetes/programs.ts';
import type { LanRequest } from '../lan/plan.ts';
import { isRunning, type ProcessId } from '../process-id.ts';
import type { StartedComponent } from './processes.ts';

/** Everything that another process must know of a sandbox to use it and to take it down. */
export type SandboxState = {
  readonly name: string;
  readonly request: LanRequest;
  readonly proxyMode: ProxyMode;
  /** While it runs, nobody else may remove the sandbox unasked. */
  readonly owner: ProcessId;
  /** Waits for the owner's end, where the sandbox must not outlive it. */
  readonly guard: ProcessId | undefined;
  readonly relay: ProcessId | undefined;
  /** Where etcd keeps its data. */
  readonly dataFolder: string;
  readonly programs: Programs;
  readonly components: readonly StartedComponent[];
};

const sandboxesFolder = '/run/metallb-ts/sandboxes';

/** A sandbox was named that is not up. */
export class NoSandboxError extends Error {
  override readonly name = 'NoSandboxError';

  constructor(name: string) {
    super(
      `there is no sandbox "${name}"; start it with: npm run sandbox -- up${name === 'default' ? '' : ` --name ${name}`}`,
    );
  }
}

/** Where a sandbox keeps its state, its kubeconfigs and its logs. */
export const sandboxFolder = (name: string): string => join(sandboxesFolder, name);

/** Makes the folder of a new sandbox with its state, both or neither; false if there is a sandbox of that name. */
export const createSandboxFolder = (state: SandboxState): boolean => {
  mkdirSync(sandboxesFolder, { recursive: true });
  const fresh = mkdtempSync(join(sandboxesFolder, '.new-'));
  writeFileSync(join(fresh, 'state.json'), JSON.stringify(state), { mode: 0o600 });
  try {
    renameSync(fresh, sandboxFolder(state.name));
    return true;
  } catch (error) {
    rmSync(fresh, { recursive: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
};

const stateFile = (name: string): string => join(sandboxFolder(name), 'state.json');

/** Replaces the state as a whole, so that a reader sees the old or the new one. */
export const writeState = (state: SandboxState): void => {
  const file = stateFile(state.name);
  writeFileSync(`${file}.new`, JSON.stringify(state, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
};

/** Reads the state; undefined if there is no such sandbox. */
export const readState = (name: string): SandboxState | undefined => {
  let text: string;
  try {
    text = readFileSync(stateFile(name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as SandboxState;
};

export const removeSandboxFolder = (name: string): void => {
  rmSync(sandboxFolder(name), { recursive: true, force: true });
};

/** The sandboxes whose owners have ended without taking them down. */
export const orphanedSandboxes = (): readonly string[] => {
  mkdirSync(sandboxesFolder, { recursive: true });
  return readdirSync(sandboxesFolder).filter((name) => {
    const state = readState(name);
    return state !== undefined && !isRunning(state.owner);
  });
};
