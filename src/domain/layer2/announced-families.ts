import type { IpFamily } from '../../lib/ip.ts';

/** Whether speakers answer for addresses of the family: for IPv4 by ARP; Neighbor Discovery for IPv6 is not there yet. */
export const isAnnouncedFamily = (family: IpFamily): boolean => family === 'IPv4';
