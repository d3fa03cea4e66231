import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { eventually } from './eventually.ts';
import { getObject } from './metallb.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** A process of ours in the sandbox. */
export type PodProcess = { readonly pid: number; readonly pod: string; readonly node: string; readonly ip: string };

/** Ticks of `utime` and `stime` per second (USER_HZ, the same on every Linux that Node runs on). */
const ticksPerSecond = 100;

type Pods = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly spec: { readonly nodeName: string };
    readonly status: { readonly podIP?: string };
  }[];
};

/** The programs that run as pods of a component, found by the pod name in their environment. */
export const processesOf = (sandbox: Sandbox, component: 'controller' | 'speaker'): Promise<PodProcess[]> =>
  eventually(`the processes of ${component} run`, async () => {
    const pods = await getObject<Pods>(sandbox, '-n', 'metallb-system', 'pods', '-l', `component=${component}`);
    const found = (pods?.items ?? [])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata: { name }, spec, status }) => ({
        pid: pidOfPod(name),
        pod: name,
        node: spec.nodeName,
        ip: status.podIP ?? '',
      }));
    return found.length > 0 && found.every(({ pid }) => pid !== undefined) && (found as PodProcess[]);
  });

/** Whether a process lives. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The pid of a component of the control plane, such as `kube-apiserver`. */
export const pidOfComponent = (sandbox: Sandbox, name: string): number => {
  const component = sandbox.components().find((each) => each.name === name);
  if (component === undefined) throw new Error(`there is no ${name}`);
  return component.id.pid;
};

/** The pid of the program in a pod; undefined while it has none. */
const pidOfPod = (pod: string): number | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      const isOurs = read(pid, 'cmdline').split('\0').includes('/app/main.js') && /node[^/]*$/.test(executable(pid));
      return isOurs && read(pid, 'environ').split('\0').includes(`METALLB_POD_NAME=${pod}`);
    });

const executable = (pid: number): string => read(pid, 'cmdline').split('\0')[0] ?? '';

const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
};

/** Processor seconds that a process has used so far. */
export const cpuSeconds = (pid: number): number => {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};

/** When a process began its life, in ms since the Unix epoch; 10 ms fine. */
export const startedAt = (pid: number): number => {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const booted = performance.timeOrigin + performance.now() - uptime;
  return booted + (Number(statFields(pid)[19]) / ticksPerSecond) * 1000;
};

/** Fields of /proc/PID/stat from the third (`state`) on. */
const statFields = (pid: number): string[] => {
  const stat = read(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** Resident memory in MiB: all of it, and what is not backed by a file. */
export const memory = (pid: number): { readonly rssMiB: number; readonly anonMiB: number } => {
  const status = read(pid, 'status');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { rssMiB: field('VmRSS'), anonMiB: field('RssAnon') };
};
