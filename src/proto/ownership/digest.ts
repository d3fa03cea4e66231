import type { Ip } from '../../lib/ip.ts';
import type { Claim } from './message.ts';

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** FNV-1a over the UTF-16 units of a text, mixed so that similar texts differ in every bit. */
const hashText = (text: string, start: number): number => {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return mix(hash);
};

/** The end of MurmurHash3 (fmix32). */
const mix = (value: number): number => {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

/** 32 bits that stand for a node among those that a beacon names as heard. */
export const nodeHash = (node: string): number => hashText(node, offsetBasis);

const stateNumbers = { dropped: 0, held: 1, probing: 2, yielding: 3, released: 4 } as const;

/** What a claim adds to the digest of all claims of its node: a digest is the sum, modulo 2³², in whatever order. */
export const claimHash = (claim: { readonly key: Ip } & Pick<Claim, 'number' | 'state'>): number =>
  claim.state === 'dropped' ? 0 : mix(hashText(claim.key, claim.number) + stateNumbers[claim.state]);
