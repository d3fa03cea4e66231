import type { Ip } from '../../lib/ip.ts';
import type { ObjectKey } from '../objects.ts';
import type { SharedIndex } from './shared-index.ts';
import { circleOf, isSameSharing, type Sharing, type SharingRefusal } from './sharing.ts';

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
  /** A text is the one holder, who is not leaving: by far the most frequent case, kept small. */
  readonly #byIp = new Map<Ip, ObjectKey | HeldAddress>();
  readonly #termsOf: (holder: ObjectKey) => Sharing;

  /** `termsOf` gives the terms on which a service holds what it is not leaving, as `hold` was last told them. */
  constructor(termsOf: (holder: ObjectKey) => Sharing) {
    this.#termsOf = termsOf;
  }

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
    const circle = circleOf(sharing);
    if (typeof found === 'string') {
      const terms = this.#termsOf(found);
      if (circle === undefined || circle !== circleOf(terms)) return { type: 'key', holders: [found] };
      const port = sharing?.ports.find((wanted) => terms.ports.includes(wanted));
      return port === undefined ? undefined : { type: 'port', port, holder: found };
    }
    const own = found.holders.get(service);
    const staying = found.holders.size - found.leaving - (own === undefined || own === 'leaving' ? 0 : 1);
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
    if (terms !== 'leaving' && circleOf(terms) === undefined && !this.#byIp.has(ip)) {
      this.#byIp.set(ip, service);
      return;
    }
    const address = this.#expanded(ip);
    const before = address.holders.get(service);
    if (before !== undefined) {
      if (before === terms || (before !== 'leaving' && terms !== 'leaving' && isSameSharing(before, terms))) return;
      withdraw(address, before, place);
    }
    // An entry that is set again keeps its place in the order.
    address.holders.set(service, terms);
    enter(address, service, terms, place);
    this.#keep(ip, address);
  }

  /** The service does not hold the address any more. Says whether somebody else does. */
  drop(ip: Ip, service: ObjectKey, place: Place | undefined): boolean {
    if (this.#byIp.get(ip) === service && circleOf(this.#termsOf(service)) === undefined) {
      this.#byIp.delete(ip);
      return false;
    }
    const address = this.#expanded(ip);
    const terms = address.holders.get(service);
    if (terms !== undefined) {
      withdraw(address, terms, place);
      address.holders.delete(service);
    }
    this.#keep(ip, address);
    return address.holders.size > 0;
  }

  /** Tells the index of another pool, or of an edited one, all it must know of the address. */
  enterIndex(ip: Ip, { shared, index }: Place): void {
    const found = this.#byIp.get(ip);
    if (typeof found === 'string' && circleOf(this.#termsOf(found)) === undefined) return;
    const { circle, ports, leaving } = this.#expanded(ip);
    if (circle === undefined) return;
    shared.add(circle, index);
    for (const port of ports.keys()) shared.takePort(circle, index, port);
    if (leaving > 0) shared.close(circle, index);
  }

  #expanded(ip: Ip): HeldAddress {
    const found = this.#byIp.get(ip);
    if (typeof found === 'object') return found;
    const address: HeldAddress = { holders: new Map(), ports: new Map(), circle: undefined, leaving: 0 };
    if (found !== undefined) {
      const terms = this.#termsOf(found);
      address.holders.set(found, terms);
      enter(address, found, terms, undefined);
    }
    return address;
  }

  #keep(ip: Ip, address: HeldAddress): void {
    const [holder] = address.holders.keys();
    if (holder === undefined) this.#byIp.delete(ip);
    else this.#byIp.set(ip, address.holders.size === 1 && address.leaving === 0 ? holder : address);
  }
}

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
