import { readFileSync } from 'node:fs';

/** One process for all time: its pid together with when it started, as a pid is used again one day. */
export type ProcessId = {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's (`/proc/PID/stat` field 22). */
  readonly startTicks: number;
};

/** The process that has this pid now; undefined if there is none, or only a zombie. */
export const processIdOf = (pid: number): ProcessId | undefined => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // no such process
  }
  // The second field is the program's name in parentheses and may hold anything, blanks and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return state === 'Z' || state === 'X' ? undefined : { pid, startTicks: Number(fields[19]) };
};

/** This process. */
export const ownProcessId = (): ProcessId => {
  const own = processIdOf(process.pid);
  if (own === undefined) throw new Error('/proc is not mounted');
  return own;
};

export const isRunning = ({ pid, startTicks }: ProcessId): boolean => processIdOf(pid)?.startTicks === startTicks;

/** Sends a signal to the process group that the process leads, if it still is that process. */
export const signalGroup = (id: ProcessId, signal: NodeJS.Signals): void => {
  if (isRunning(id)) signalOrGone(-id.pid, signal);
};

/** Sends a signal; a process that has gone meanwhile is none the worse. */
export const signalOrGone = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
