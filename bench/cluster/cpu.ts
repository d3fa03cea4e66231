import type { Sandbox } from '../../test/support/sandbox/sandbox.ts';
import { cpuSeconds, pidOfComponent, processesOf } from '../../test/support/cluster/processes.ts';

/** Processor time in ms that was used since a moment, and the time that has passed. */
export type CpuUse = {
  /** All replicas together. */
  readonly controller: number;
  readonly apiServer: number;
  readonly passed: number;
};

/** Begins to measure; the function that it gives tells what has been used until then. */
export const measureCpu = async (sandbox: Sandbox): Promise<() => CpuUse> => {
  const controllers = (await processesOf(sandbox, 'controller')).map(({ pid }) => pid);
  const apiServer = pidOfComponent(sandbox, 'kube-apiserver');
  const read = () => ({
    controller: controllers.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    apiServer: cpuSeconds(apiServer),
    at: performance.now(),
  });
  const before = read();
  return () => {
    const now = read();
    return {
      controller: (now.controller - before.controller) * 1000,
      apiServer: (now.apiServer - before.apiServer) * 1000,
      passed: now.at - before.at,
    };
  };
};
