import type { Ip } from '../../lib/ip.ts';

/**
 * A number of 32 bits for a node and a group, the same on every machine: among equal nodes the lowest has the group. It
 * spreads groups over nodes, and a node that goes changes nothing between the others. Not MetalLB's hash, which takes a
 * hundred times as long and is for its own order.
 */
export const spreadHash = (node: string, key: Ip): number => spreadHashes(key)(node);

/** The same for many nodes and one group. */
export const spreadHashes = (key: Ip): ((node: string) => number) => {
  const hashOfKey = Math.imul(hashOf(key), 0x9e37_79b1);
  return (node) => mix(hashOf(node) ^ hashOfKey);
};

const remembered = new Map<string, number>();

/** More texts than any cluster has nodes and services; what is remembered is dropped then. */
const mostRemembered = 20_000;

/** FNV-1a over UTF-16 units, mixed. */
const hashOf = (text: string): number => {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  if (remembered.size >= mostRemembered) remembered.clear();
  const mixed = mix(hash);
  remembered.set(text, mixed);
  return mixed;
};

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
const mix = (value: number): number => {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
