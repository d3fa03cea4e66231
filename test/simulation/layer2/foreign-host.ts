import type { Ip } from '../../../src/lib/ip.ts';
import type { Cluster } from './cluster.ts';
import type { Port } from './lan.ts';

/** A host on the first segment that is none of the cluster's, and answers for addresses of it. */
export type ForeignHost = {
  readonly port: Port;
  /** When it heard somebody probe for one of its addresses, and claim one. */
  readonly probed: (since: number) => readonly { readonly at: number; readonly ip: Ip }[];
  readonly claimed: (since: number) => readonly { readonly at: number; readonly ip: Ip }[];
  /** Says that it has an address. */
  readonly announce: (ip: Ip) => void;
  readonly leave: () => void;
};

/** Plugs it in; `all`: it answers whatever is asked for, as a router that does proxy ARP. */
export const plugForeignHost = ({ network, time }: Cluster, ips: readonly Ip[] | 'all'): ForeignHost => {
  const probes: { at: number; ip: Ip }[] = [];
  const claims: { at: number; ip: Ip }[] = [];
  const port = network.plug('foreign', network.segments[0]!, undefined, (frame, from) => {
    if (frame.type !== 'probe' && frame.type !== 'claim') return;
    if (ips !== 'all' && !ips.includes(frame.ip)) return;
    (frame.type === 'probe' ? probes : claims).push({ at: time.now(), ip: frame.ip });
    if (frame.type === 'probe') network.toPort(port, from, { type: 'claim', ip: frame.ip, mac: port.mac });
  });
  return {
    port,
    probed: (since) => probes.filter(({ at }) => at >= since),
    claimed: (since) => claims.filter(({ at }) => at >= since),
    announce: (ip) => network.toAll(port, { type: 'claim', ip, mac: port.mac }),
    leave: () => {
      port.hasCarrier = false;
    },
  };
};
