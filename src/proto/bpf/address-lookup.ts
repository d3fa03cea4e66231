import { type BpfAssembler, BpfCode, type BpfLabel } from './assembler.ts';

/** A set, not empty, of prefixes of one length: sorted, without duplicates; each is the address without its `shift` lowest bits. */
export type PrefixSet = {
  readonly shift: number;
  readonly prefixes: Uint32Array;
};

/** What to look up and where to go on. `offset` is where the address, four octets, stands in the packet. */
type Lookup = {
  readonly offset: number;
  readonly set: PrefixSet;
  readonly found: BpfLabel;
  readonly missing: BpfLabel;
};

/** How many comparisons in a row end a search tree: a comparison is one instruction, a fork may be two. */
const leafSize = 16;

/** The prefixes of that length which cover the addresses (sorted, without duplicates). */
export const prefixSet = (addresses: Uint32Array, shift: number): PrefixSet => {
  const prefixes = new Uint32Array(addresses.length);
  let count = 0;
  for (const address of addresses) {
    const prefix = shift === 32 ? 0 : address >>> shift;
    if (count === 0 || prefixes[count - 1] !== prefix) prefixes[count++] = prefix;
  }
  return { shift, prefixes: prefixes.subarray(0, count) };
};

/** How many addresses the prefixes cover. */
export const coverage = ({ shift, prefixes }: PrefixSet): number => prefixes.length * 2 ** shift;

/** An upper bound of the instructions that `writeLookup` writes. */
export const lookupBound = (set: PrefixSet): number => Math.min(treeBound(set), bitmapBound(bitmapOf(set)));

/** Writes whichever way to look an address up is shorter, and says where it starts. */
export const writeLookup = (assembler: BpfAssembler, lookup: Lookup): BpfLabel => {
  const bitmap = bitmapOf(lookup.set);
  return treeBound(lookup.set) <= bitmapBound(bitmap)
    ? writeTree(assembler, lookup)
    : writeBitmap(assembler, lookup, bitmap);
};

/** A word to look up that leads to another place for each value; `keys` are sorted, without duplicates, not empty. */
type Switch = {
  readonly offset: number;
  readonly keys: Uint32Array;
  readonly targets: readonly BpfLabel[];
  readonly missing: BpfLabel;
};

/** Writes a search tree over the keys, and says where it starts. */
export const writeSwitch = (assembler: BpfAssembler, { offset, keys, targets, missing }: Switch): BpfLabel => {
  const base = keys.length === 1 ? 0 : keys[0]!;
  const tree = (start: number, end: number): BpfLabel => {
    if (end - start > leafSize) return fork(assembler, tree, start, end, keys, base);
    let next = missing;
    for (let index = end - 1; index >= start; index--) {
      next = assembler.branch(BpfCode.jumpIfEqual, keys[index]! - base, targets[index]!, next);
    }
    return next;
  };
  tree(0, keys.length);
  return writeKey(assembler, offset, 0, base);
};

/** An upper bound of the instructions of a switch: a comparison may need a relay to its own target. */
export const switchBound = (keys: number): number => (keys === 1 ? 3 : 2 * keys + Math.ceil(keys / 4) + 8);

// Each comparison, one fork of two instructions per half-filled leaf, relays of long jumps, and the way in.
const treeBound = ({ prefixes }: PrefixSet): number =>
  prefixes.length === 1 ? 4 : prefixes.length + Math.ceil(prefixes.length / 4) + 8;
const bitmapBound = ({ words, full }: Bitmap): number => 3 * words.length - 2 * full + Math.ceil(words.length / 4) + 14;

/** A search tree over the prefixes with comparisons in a row as its leaves. */
const writeTree = (assembler: BpfAssembler, { offset, set, found, missing }: Lookup): BpfLabel => {
  const { shift, prefixes } = set;
  const base = prefixes.length === 1 ? 0 : prefixes[0]!;
  const tree = (start: number, end: number): BpfLabel => {
    if (end - start > leafSize) return fork(assembler, tree, start, end, prefixes, base);
    let next = missing;
    for (let index = end - 1; index >= start; index--) {
      next = assembler.branch(BpfCode.jumpIfEqual, prefixes[index]! - base, found, next);
    }
    return next;
  };
  tree(0, prefixes.length);
  return writeKey(assembler, offset, shift, base);
};

/** A search tree over words of 32 neighbouring prefixes, whose bits say which of them are in the set. */
const writeBitmap = (assembler: BpfAssembler, { offset, set, found, missing }: Lookup, bitmap: Bitmap): BpfLabel => {
  const { words, bits } = bitmap;
  const base = words[0] ?? 0;
  const tree = (start: number, end: number): BpfLabel => {
    if (end - start > leafSize) return fork(assembler, tree, start, end, words, base);
    const tests: BpfLabel[] = [];
    for (let index = start; index < end; index++) {
      if (bits[index] === allBits) tests.push(found);
      else {
        assembler.branch(BpfCode.jumpIfAnyOfIndex, 0, found, missing);
        tests.push(assembler.write(BpfCode.loadConstant, bits[index]));
      }
    }
    let next = missing;
    for (let index = end - 1; index >= start; index--) {
      next = assembler.branch(BpfCode.jumpIfEqual, words[index]! - base, tests[index - start]!, next);
    }
    return next;
  };
  tree(0, words.length);
  writeKey(assembler, offset, set.shift + 5, base);
  // X := the bit of the address within its word
  assembler.write(BpfCode.toIndex);
  assembler.write(BpfCode.shiftLeftByIndex);
  assembler.write(BpfCode.loadConstant, 1);
  assembler.write(BpfCode.toIndex);
  assembler.write(BpfCode.and, 31);
  return writeKey(assembler, offset, set.shift, 0);
};

/**
 * A := the address without its `shift` lowest bits, less `base`. The smallest of several keys becomes 0 because the
 * kernel spends extra instructions on comparing with constants of 2³¹ and more, and 192.168.0.0 is one.
 */
const writeKey = (assembler: BpfAssembler, offset: number, shift: number, base: number): BpfLabel => {
  if (shift > 31) return assembler.write(BpfCode.loadConstant, 0); // the kernel refuses to shift that far
  if (base > 0) assembler.write(BpfCode.subtract, base);
  if (shift > 0) assembler.write(BpfCode.shiftRight, shift);
  return assembler.write(BpfCode.loadWord, offset);
};

const fork = (
  assembler: BpfAssembler,
  tree: (start: number, end: number) => BpfLabel,
  start: number,
  end: number,
  keys: Uint32Array,
  base: number,
): BpfLabel => {
  const middle = (start + end) >> 1;
  const right = tree(middle, end);
  const left = tree(start, middle);
  return assembler.branch(BpfCode.jumpIfGreaterOrEqual, keys[middle]! - base, right, left);
};

type Bitmap = {
  /** The prefixes without their five lowest bits; sorted, without duplicates. */
  readonly words: Uint32Array;
  /** For each word which of its 32 prefixes are in the set. */
  readonly bits: Uint32Array;
  /** How many words have all of them. */
  readonly full: number;
};

const allBits = 0xffff_ffff;

const bitmapOf = ({ prefixes }: PrefixSet): Bitmap => {
  const words = new Uint32Array(prefixes.length);
  const bits = new Uint32Array(prefixes.length);
  let count = 0;
  for (const prefix of prefixes) {
    const word = prefix >>> 5;
    if (count === 0 || words[count - 1] !== word) words[count++] = word;
    bits[count - 1]! |= 1 << (prefix & 31);
  }
  const used = bits.subarray(0, count);
  return {
    words: words.subarray(0, count),
    bits: used,
    full: used.reduce((n, word) => n + (word === allBits ? 1 : 0), 0),
  };
};
