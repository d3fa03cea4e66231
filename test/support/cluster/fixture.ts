import { afterAll, beforeAll } from 'vitest';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type SandboxOptions, startSandbox } from '../sandbox/start.ts';
import { deployMetallb, type WayToApply } from './metallb.ts';

let count = 0;

/** A sandbox with our manifests applied, for all tests of a file. The function gives it once they run. */
export const metallbCluster = ({
  way,
  ...options
}: SandboxOptions & { readonly way?: WayToApply } = {}): (() => Sandbox) => {
  let sandbox: Sandbox | undefined;
  beforeAll(async () => {
    count += 1;
    sandbox = await startSandbox({ name: `t${process.pid}${count}`, log: console.log, ...options });
    await deployMetallb(sandbox, way);
  });
  afterAll(async () => {
    await sandbox?.down();
  });
  return () => {
    if (sandbox === undefined) throw new Error('the sandbox is not up');
    return sandbox;
  };
};
