import type { Ip } from '../../lib/ip.ts';
import type { ObjectKey } from '../objects.ts';
import type { SharedIndex } from './shared-index.ts';
import { alone, circleOf, isSameSharing, type Sharing, type SharingRefusal } from './sharing.ts';

/** On what terms a service holds an address. */
export type Terms =
  /** It shares with nobody, unless its key is not empty. */
  | Sharing
  /** It has given the address up, but its status still shows it: nobody joins, and whoever is there stays. */
  | 'leaving';

/** Where an address stands in the index of its pool. */
export type Place = { readonly shared: SharedIndex; readonly index: bigint };

/** An address that more than one service holds, or may come to hold. */
type HeldAddress = {
  /** In order of coming. */
  readonly holders: Map<ObjectKey, Terms>;
  /** Of those who are not leaving. */
  readonly ports: Map<string, ObjectKey>;
  /** The circle of those who are not leaving; undefined: there are none, or it is one who shares with nobody. */
  circle: string | undefined;
  leaving: number;
};

/** Which services hold which address, and on what terms. Each operation is O(1) but for the service's own ports. */
export class AddressHolders {
  /** A text is the one holder, who shares with nobody and is not leaving: by far the most frequent case, kept small. */
  readonly #byIp = new Map<Ip, ObjectKey | HeldAddress>();

  /** All addresses that are held. */
  ips(): Iterable<Ip> {
    return this.#byIp.keys();
  }

  /** The services that hold an address, in order of coming. */
  of(ip: Ip): readonly ObjectKey[] {
    const found = this.#byIp.get(ip);
    if (found === undefined) return [];
    return typeof found === 'string' ? [found] : [...found.holders.keys()];
  }

  /** Why the service may not have the address with that sharing. Who leaves keeps out only those who are not there. */
  refusalOf(ip: Ip, service: ObjectKey, sharing: Sharing | undefined): SharingRefusal | undefined {
    const found = this.#byIp.get(ip);
    if (found === undefined || found === service) return undefined;
    if (typeof found === 'string') return { type: 'key', holders: [found] };
    const own = found.holders.get(service);
    const staying = found.holders.size - found.leaving - (own === undefined || own === 'leaving' ? 0 : 1);
    const circle = circleOf(sharing);
    const isKeptOut = own === undefined && found.leaving > 0;
    if (isKeptOut || (staying > 0 && (circle === undefined || circle !== found.circle))) {
      return { type: 'key', holders: [...found.holders.keys()].filter((holder) => holder !== service) };
    }
    for (const port of sharing?.ports ?? []) {
      const holder = found.ports.get(port);
      if (holder !== undefined && holder !== service) return { type: 'port', port, holder };
    }
    return undefined;
  }

  /**
   * Lets the service hold the address on those terms, in place of the ones it had. The place is undefined if no pool
   * gives the address. Whether it may is asked before.
   */
  hold(ip: Ip, service: ObjectKey, terms: Terms, place: Place | undefined): void {
    const found = this.#byIp.get(ip);
    const isAlone = terms !== 'leaving' && circleOf(terms) === undefined;
    if (isAlone && (found === undefined || found === service)) {
      this.#byIp.set(ip, service);
      return;
    }
    const address = typeof found === 'object' ? found : emptyAddress();
    if (typeof found === 'string') address.holders.set(found, alone);
    if (address !== found) this.#byIp.set(ip, address);
    const before = address.holders.get(service);
    if (before !== undefined) {
      if (before === terms || (before !== 'leaving' && terms !== 'leaving' && isSameSharing(before, terms))) return;
      withdraw(address, before, place);
    }
    // An entry that is set again keeps its place in the order.
    address.holders.set(service, terms);
    enter(address, service, terms, place);
    this.#keepSmall(ip, address);
  }

  /** The service does not hold the address any more. Says whether somebody else does. */
  drop(ip: Ip, service: ObjectKey, place: Place | undefined): boolean {
    const found = this.#byIp.get(ip);
    if (found === service) this.#byIp.delete(ip);
    if (found === undefined || typeof found === 'string') return this.#byIp.has(ip);
    const terms = found.holders.get(service);
    if (terms !== undefined) {
      withdraw(found, terms, place);
      found.holders.delete(service);
    }
    if (found.holders.size === 0) this.#byIp.delete(ip);
    else this.#keepSmall(ip, found);
    return found.holders.size > 0;
  }

  /** Tells the index of another pool, or of an edited one, all it must know of the address. */
  enterIndex(ip: Ip, { shared, index }: Place): void {
    const found = this.#byIp.get(ip);
    if (typeof found !== 'object' || found.circle === undefined) return;
    shared.add(found.circle, index);
    for (const port of found.ports.keys()) shared.takePort(found.circle, index, port);
    if (found.leaving > 0) shared.close(found.circle, index);
  }

  #keepSmall(ip: Ip, { holders, circle, leaving }: HeldAddress): void {
    const [holder] = holders.keys();
    if (holders.size === 1 && circle === undefined && leaving === 0) this.#byIp.set(ip, holder as ObjectKey);
  }
}

const emptyAddress = (): HeldAddress => ({ holders: new Map(), ports: new Map(), circle: undefined, leaving: 0 });

/** Counts the terms of a holder in. */
const enter = (address: HeldAddress, service: ObjectKey, terms: Terms, place: Place | undefined): void => {
  if (terms === 'leaving') {
    address.leaving++;
    if (address.leaving === 1 && address.circle !== undefined) place?.shared.close(address.circle, place.index);
    return;
  }
  const circle = circleOf(terms);
  if (circle === undefined) return;
  if (address.circle === undefined) {
    address.circle = circle;
    place?.shared.add(circle, place.index);
    if (address.leaving > 0) place?.shared.close(circle, place.index);
  }
  for (const port of terms.ports) {
    address.ports.set(port, service);
    place?.shared.takePort(circle, place.index, port);
  }
};

/** The opposite of `enter`, while the service is still among the holders. */
const withdraw = (address: HeldAddress, terms: Terms, place: Place | undefined): void => {
  const { circle } = address;
  if (terms === 'leaving') {
    address.leaving--;
    if (address.leaving === 0 && circle !== undefined) place?.shared.open(circle, place.index);
    return;
  }
  if (circle === undefined) return;
  for (const port of terms.ports) {
    address.ports.delete(port);
    place?.shared.freePort(circle, place.index, port);
  }
  if (address.holders.size - address.leaving > 1) return;
  address.circle = undefined;
  if (address.leaving > 0) place?.shared.open(circle, place.index);
  place?.shared.remove(circle, place.index);
};
