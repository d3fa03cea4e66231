import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';

/** Where the control groups for processor time are, of version 2 or 1. */
const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/cpu'];

/** The weight in version 2 that the kubelet gives for a request of processor time, in thousandths of a core. */
export const weightOfRequest = (milliCores: number): number => {
  const shares = Math.max(2, Math.floor((milliCores * 1024) / 1000));
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
};

/** A control group whose processes share processor time by weight with those of its siblings. */
export class CpuGroup implements Disposable {
  readonly #folder: string;
  readonly #children: CpuGroup[] = [];

  private constructor(folder: string, weight: number) {
    this.#folder = folder;
    mkdirSync(folder);
    // A weight of 100 is what 1,024 shares were.
    if (existsSync(`${folder}/cpu.shares`)) this.#write('cpu.shares', Math.round((weight * 1024) / 100));
    else this.#write('cpu.weight', weight);
  }

  /** A group of our own beside everything else on the machine; undefined where the kernel or the container has none. */
  static make(weight: number): CpuGroup | undefined {
    const root = roots.find((each) => existsSync(`${each}/cpu.shares`) || canGiveTime(each));
    if (root === undefined) return undefined;
    return new CpuGroup(`${root}/metallb-ts-${process.pid}-${randomBytes(2).toString('hex')}`, weight);
  }

  /** A group whose weight counts among the children of this one, which then has no processes of its own. */
  child(name: string, weight: number): CpuGroup {
    if (existsSync(`${this.#folder}/cgroup.subtree_control`)) this.#write('cgroup.subtree_control', '+cpu');
    const child = new CpuGroup(`${this.#folder}/${name}`, weight);
    this.#children.push(child);
    return child;
  }

  /** Moves a process and all its threads here. */
  add(pid: number): void {
    this.#write('cgroup.procs', pid);
  }

  /** Removes the group, whose processes have ended. */
  [Symbol.dispose](): void {
    for (const child of this.#children) child[Symbol.dispose]();
    rmdirSync(this.#folder);
  }

  #write(file: string, value: number | string): void {
    writeFileSync(`${this.#folder}/${file}`, `${value}`);
  }
}

/** Whether groups of version 2 below this one have weights, if need be from now on. */
const canGiveTime = (root: string): boolean => {
  try {
    if (!readFileSync(`${root}/cgroup.controllers`, 'utf8').split(/\s/).includes('cpu')) return false;
    writeFileSync(`${root}/cgroup.subtree_control`, '+cpu');
    return true;
  } catch {
    return false; // no groups here, or not ours to change
  }
};
