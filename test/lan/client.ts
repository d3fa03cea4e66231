import process from 'node:process';
import { type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import type { Namespace } from '../support/netns.ts';

/** What `client-program.ts` is asked to do; addresses are unsigned 32-bit numbers. */
export type ClientOrder = {
  readonly interface: string;
  readonly senderIp: number;
  /** How the client's own socket receives. */
  readonly queue: 'ring' | 'socket';
} & (
  | { readonly type: 'ask'; readonly targets: readonly number[] }
  | { readonly type: 'noise'; readonly count: number; readonly target: number }
  | { readonly type: 'padded'; readonly lengths: readonly number[]; readonly count: number; readonly target: number }
);

/** An address that no host of the tests has. */
const senderIp = ipv4ToNumber('198.18.0.250' as Ip);

const run = async (host: Namespace, order: ClientOrder): Promise<unknown> => {
  const argv = [process.execPath, `${import.meta.dirname}/client-program.ts`, JSON.stringify(order)];
  const { stdout } = await host.exec(argv, { timeout: 120_000 });
  return JSON.parse(stdout);
};

type AskOptions = { readonly from?: string; readonly queue?: ClientOrder['queue'] };

/** Asks for addresses by broadcast, once each: which MACs answered, every answer counted. Silent addresses are left out. */
export const ask = (
  host: Namespace,
  addresses: readonly string[],
  { from = 'eth0', queue = 'ring' }: AskOptions = {},
): Promise<Record<string, string[]>> => {
  const targets = addresses.map((ip) => ipv4ToNumber(ip as Ip));
  return run(host, { type: 'ask', interface: from, senderIp, queue, targets }) as Promise<Record<string, string[]>>;
};

/** Which of the addresses are not answered exactly once and by that MAC. */
export const wronglyAnswered = async (
  host: Namespace,
  addresses: readonly string[],
  mac: string,
): Promise<readonly string[]> => {
  const answers = await ask(host, addresses);
  return addresses.filter((ip) => answers[ip]?.length !== 1 || answers[ip][0] !== mac);
};

/** Sends frames that are random or broken, half of them made from requests for `target`. */
export const makeNoise = async (host: Namespace, count: number, target: string): Promise<void> => {
  await run(host, {
    type: 'noise',
    interface: 'eth0',
    senderIp,
    queue: 'socket',
    count,
    target: ipv4ToNumber(target as Ip),
  });
};

/** Asks for an address `count` times with each length of frame; how many answers came. */
export const askPadded = (
  host: Namespace,
  address: string,
  lengths: readonly number[],
  count: number,
): Promise<number> => {
  const target = ipv4ToNumber(address as Ip);
  return run(host, {
    type: 'padded',
    interface: 'eth0',
    senderIp,
    queue: 'ring',
    lengths,
    count,
    target,
  }) as Promise<number>;
};

/** The hardware address in the kernel's neighbour table; undefined where the entry has none. */
export const neighbour = async (host: Namespace, ip: string): Promise<string | undefined> => {
  const { stdout } = await host.exec(['ip', '-json', 'neigh', 'show', ip]);
  const entries = JSON.parse(stdout) as readonly { readonly lladdr?: string }[];
  return entries[0]?.lladdr;
};

/** Makes the kernel resolve an address: sends it a datagram, which nobody answers. */
export const resolve = async (host: Namespace, ip: string): Promise<void> => {
  await host.exec(['bash', '-c', `echo > /dev/udp/${ip}/9`], { check: false });
};
