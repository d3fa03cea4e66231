import type { Sandbox } from '../sandbox/sandbox.ts';
import { startProbe } from './probe.ts';

/** A request that was answered; times in milliseconds since the Unix epoch. */
export type Answered = { readonly number: number; readonly sentAt: number; readonly answeredAt: number };

/** Sends a UDP request every few milliseconds from a host of the LAN until it is disposed of. */
export type UdpProbe = Disposable & {
  /** In the order of the answers. */
  readonly answers: readonly Answered[];
};

/** Starts asking; the service answers `echo TEXT` with the text, as agnhost does. */
export const probeUdp = (sandbox: Sandbox, host: string, address: string, port: number, intervalMs = 5): UdpProbe => {
  const answers: Answered[] = [];
  const probe = startProbe(sandbox, host, 'udp-probe.ts', [address, String(port), String(intervalMs)], (line) => {
    const [number, sentAt, answeredAt] = line.split(' ').map(Number);
    answers.push({ number: number ?? NaN, sentAt: sentAt ?? NaN, answeredAt: answeredAt ?? NaN });
  });
  return { answers, ...probe };
};

/** How many requests sent between two times were never answered; later ones must have been. */
export const lostBetween = (answers: readonly Answered[], from: number, to: number): number => {
  const sent = answers.filter(({ sentAt }) => sentAt >= from && sentAt <= to).map(({ number }) => number);
  return sent.length === 0 ? 0 : Math.max(...sent) - Math.min(...sent) + 1 - new Set(sent).size;
};
