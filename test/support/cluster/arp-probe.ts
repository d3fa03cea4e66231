import type { Sandbox } from '../sandbox/sandbox.ts';
import { startProbe } from './probe.ts';

/** An answer to ARP, or an announcement, in milliseconds since the Unix epoch. */
export type ArpAnswer = { readonly at: number; readonly mac: string; readonly isAnnouncement: boolean };

/** Asks for an address by ARP every few milliseconds from a host of the LAN until it is disposed of. */
export type ArpProbe = Disposable & { readonly answers: readonly ArpAnswer[] };

/** Starts asking. */
export const probeArp = (sandbox: Sandbox, host: string, address: string, intervalMs = 5): ArpProbe => {
  const answers: ArpAnswer[] = [];
  const probe = startProbe(sandbox, host, 'arp-probe.ts', [address, String(intervalMs)], (line) => {
    const [at = '', mac = '', kind] = line.split(' ');
    answers.push({ at: Number(at), mac, isAnnouncement: kind === 'announced' });
  });
  return { answers, ...probe };
};
