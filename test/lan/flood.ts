import process from 'node:process';
import type { Namespace } from '../support/netns.ts';

/** What `flood-program.ts` is asked to do. */
export type FloodOrder = {
  /** The address that is asked for, by ARP or by Neighbor Discovery. */
  readonly target: string;
  /** Requests a second, at most. */
  readonly rate: number;
  /** In milliseconds. */
  readonly duration: number;
};

/**
 * Asks for an address as 65,536 hosts that are invented; how many requests a second there really were. A switch of the
 * kernel's forwards some 30,000 a second to three hosts on a busy machine with two cores.
 */
export const flood = async (host: Namespace, order: FloodOrder): Promise<number> => {
  const argv = [process.execPath, `${import.meta.dirname}/flood-program.ts`, JSON.stringify(order)];
  const { stdout } = await host.exec(argv);
  const { sent, took } = JSON.parse(stdout) as { readonly sent: number; readonly took: number };
  return (sent / took) * 1000;
};
