import { parseAddressRange, type AddressRange } from '../../../src/lib/address-range.ts';
import { familyOf, type Ip, ipFromNumber, ipToNumber, parseIp } from '../../../src/lib/ip.ts';

/** The addresses of a node's pods: a range per family, of which the first host address is the node's own. */
export type PodRanges = readonly AddressRange[];

/** Reads the podCIDRs; throws a sentence that names the one at fault. */
export const parsePodRanges = (cidrs: readonly string[]): PodRanges =>
  cidrs.map((cidr) => {
    const range = parseAddressRange(cidr);
    if (!range.ok) throw new Error(`--pod-cidr: ${range.error}`);
    return range.value;
  });

/** Address number `index` of each range, in the order of the ranges; number 1 is the node's side. */
const addressesAt = (ranges: PodRanges, index: number): readonly Ip[] =>
  ranges.map(({ family, first }) => ipFromNumber(family, first + BigInt(index)));

/** The number of an address of one of the ranges; `undefined` for others. */
const indexOf = (ranges: PodRanges, address: string): number | undefined => {
  const ip = parseIp(address);
  if (!ip.ok) return undefined;
  const range = ranges.find(({ family }) => family === familyOf(ip.value));
  if (range === undefined) return undefined;
  const value = ipToNumber(ip.value);
  return value > range.first && value < range.last ? Number(value - range.first) : undefined;
};

/**
 * Hands out pod addresses in turn, so that one given back is not used again soon: connections and neighbours remember
 * it for a while. Pods there were before keep theirs (`reserve`).
 */
export class PodAddresses {
  readonly ranges: PodRanges;
  readonly #used = new Map<string, number>();
  readonly #size: number;
  #cursor = 1;

  constructor(ranges: PodRanges) {
    this.ranges = ranges;
    const smallest = ranges.map(({ first, last }) => last - first).reduce((a, b) => (a < b ? a : b));
    this.#size = Number(smallest > 65_534n ? 65_534n : smallest);
  }

  /** The node's end of every pod's link. */
  get gateways(): readonly Ip[] {
    return addressesAt(this.ranges, 1);
  }

  /** Keeps an address for a pod that has it already; false if it is not ours or taken. */
  reserve(uid: string, address: string): boolean {
    const index = indexOf(this.ranges, address);
    if (index === undefined || index < 2 || this.#isTaken(index)) return false;
    this.#used.set(uid, index);
    return true;
  }

  /** The addresses of a pod, one per family; `undefined` when all are taken. */
  take(uid: string): readonly Ip[] | undefined {
    const own = this.#used.get(uid);
    if (own !== undefined) return addressesAt(this.ranges, own);
    for (let step = 1; step < this.#size; step++) {
      const index = ((this.#cursor - 2 + step) % (this.#size - 2)) + 2;
      if (this.#isTaken(index)) continue;
      this.#cursor = index;
      this.#used.set(uid, index);
      return addressesAt(this.ranges, index);
    }
    return undefined;
  }

  release(uid: string): void {
    this.#used.delete(uid);
  }

  #isTaken(index: number): boolean {
    return [...this.#used.values()].includes(index);
  }
}
