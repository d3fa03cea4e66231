import { hash } from 'node:crypto';
import type { Ip } from './ip.ts';

/** MetalLB's rank of a node for an address: SHA-256 over node name, `#` and the address in canonical text, in hex. */
export const hashRank = (node: string, key: Ip): string => hash('sha256', `${node}#${key}`, 'hex');

/** The one of two nodes that MetalLB would elect. */
export const firstByHash = (a: string, b: string, key: Ip): string => (hashRank(a, key) <= hashRank(b, key) ? a : b);
