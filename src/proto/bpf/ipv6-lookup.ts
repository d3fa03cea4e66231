import type { Ipv6Words } from '../ndp/address.ts';
import { lookupBound, type PrefixSet, prefixSet, switchBound, writeLookup, writeSwitch } from './address-lookup.ts';
import type { BpfAssembler, BpfLabel } from './assembler.ts';

/**
 * How to look up an IPv6 address: word by word. Pools have their addresses in one or a few networks, so that the first
 * words take a comparison each and the last one is as good as an IPv4 address.
 */
export type Ipv6Lookup =
  /** A word that is one of `keys`, sorted; the rest is looked up in `next`, one for each. */
  | { readonly type: 'switch'; readonly word: number; readonly keys: Uint32Array; readonly next: readonly Ipv6Lookup[] }
  /** The last word is one of a set. */
  | { readonly type: 'last'; readonly set: PrefixSet };

/**
 * The lookup of the addresses, not none, that takes `limit` instructions at most and passes the fewest others; undefined if
 * none fits. Where the exact one is too long it compares the last word alone, which in networks with random addresses
 * tells them apart as well, or leaves low bits out.
 */
export const ipv6Lookup = (addresses: readonly Ipv6Words[], limit: number): Ipv6Lookup | undefined => {
  const sorted = addresses.toSorted(compareWords);
  const networks = sorted.filter((words, index) => index === 0 || !isSameNetwork(words, sorted[index - 1]!)).length;
  // Each network takes this many instructions at least, so there is no need to try.
  const whole =
    networks * (singleBound + 1) > limit ? undefined : mostExact((shift) => byWords(sorted, 0, shift), limit);
  if (whole?.shift === 0) return whole.lookup;
  const lowest = Uint32Array.from(sorted, (words) => words[3]).sort();
  const last = mostExact((shift) => ({ type: 'last', set: prefixSet(lowest, shift) }), limit);
  if (whole === undefined || last === undefined) return (whole ?? last)?.lookup;
  return whole.shift <= last.shift ? whole.lookup : last.lookup;
};

type Fitting = { readonly lookup: Ipv6Lookup; readonly shift: number };

/** The lookup that fits with the fewest bits left out: they only get shorter with more. */
const mostExact = (make: (shift: number) => Ipv6Lookup, limit: number): Fitting | undefined => {
  let best: Fitting | undefined;
  for (let low = 0, high = 31, shift = 0; low <= high; shift = (low + high) >> 1) {
    const lookup = make(shift);
    if (bound(lookup) <= limit) {
      best = { lookup, shift };
      high = shift - 1;
    } else low = shift + 1;
  }
  return best;
};

/** Writes a lookup of the sixteen octets at `offset`, and says where it starts. */
export const writeIpv6Lookup = (
  assembler: BpfAssembler,
  lookup: Ipv6Lookup,
  at: { readonly offset: number; readonly found: BpfLabel; readonly missing: BpfLabel },
): BpfLabel => {
  const { offset, found, missing } = at;
  if (lookup.type === 'last') return writeLookup(assembler, { offset: offset + 12, set: lookup.set, found, missing });
  const targets = lookup.next.map((next) => writeIpv6Lookup(assembler, next, at));
  return writeSwitch(assembler, { offset: offset + 4 * lookup.word, keys: lookup.keys, targets, missing });
};

/** Looks addresses up that are sorted, from `word` on; the last word without its `shift` lowest bits. */
const byWords = (sorted: readonly Ipv6Words[], word: number, shift: number): Ipv6Lookup => {
  if (word === 3) {
    return {
      type: 'last',
      set: prefixSet(
        Uint32Array.from(sorted, (words) => words[3]),
        shift,
      ),
    };
  }
  const keys: number[] = [];
  const next: Ipv6Lookup[] = [];
  for (let start = 0; start < sorted.length;) {
    const key = sorted[start]![word]!;
    let end = start;
    while (end < sorted.length && sorted[end]![word] === key) end++;
    keys.push(key);
    next.push(byWords(sorted.slice(start, end), word + 1, shift));
    start = end;
  }
  return { type: 'switch', word, keys: Uint32Array.from(keys), next };
};

/** An upper bound of the instructions that a lookup takes, relays of long jumps included. */
const bound = (lookup: Ipv6Lookup): number => Math.ceil(1.02 * boundOfParts(lookup)) + 4;

const boundOfParts = (lookup: Ipv6Lookup): number =>
  lookup.type === 'last'
    ? lookup.set.prefixes.length === 1
      ? singleBound
      : lookupBound(lookup.set)
    : lookup.next.reduce((sum, next) => sum + boundOfParts(next), switchBound(lookup.keys.length));

const isSameNetwork = (a: Ipv6Words, b: Ipv6Words): boolean => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

/** A load, a shift and a comparison; relays are few where there are many of these. */
const singleBound = 3;

const compareWords = (a: Ipv6Words, b: Ipv6Words): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
