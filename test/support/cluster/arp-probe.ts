import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** An answer to ARP, or an announcement, in milliseconds since the Unix epoch. */
export type ArpAnswer = { readonly at: number; readonly mac: string; readonly isAnnouncement: boolean };

/** Asks for an address by ARP every few milliseconds from a host of the LAN until it is disposed of. */
export type ArpProbe = Disposable & { readonly answers: readonly ArpAnswer[] };

/** Starts asking. */
export const probeArp = (sandbox: Sandbox, host: string, address: string, intervalMs = 5): ArpProbe => {
  const program = join(import.meta.dirname, '../programs/arp-probe.ts');
  const child = sandbox.spawn(host, [process.execPath, program, address, String(intervalMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the probe has no output');
  const answers: ArpAnswer[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const [at = '', mac = '', kind] = line.split(' ');
    answers.push({ at: Number(at), mac, isAnnouncement: kind === 'announced' });
  });
  return { answers, [Symbol.dispose]: () => child.kill('SIGKILL') };
};
