import type { ObjectKey } from '../src/domain/objects.ts';
import type { Ip } from '../src/lib/ip.ts';

/** What the table needs of the responder. */
export type Answering = {
  readonly announce: (ip: Ip, interfaces: readonly string[] | undefined) => void;
  readonly withdraw: (ip: Ip) => void;
};

/** Names, sorted; undefined: every interface. */
type Interfaces = readonly string[] | undefined;

/** The addresses this node answers for, and the services on whose behalf: several may share an address. */
export type AddressTable = {
  /** Answers for the address on behalf of a service; a repeated call replaces the service's interfaces. */
  readonly claim: (ip: Ip, service: ObjectKey, interfaces: Interfaces) => void;
  /** Takes a service's claim back; the address falls silent with the last one. */
  readonly release: (ip: Ip, service: ObjectKey) => void;
};

/** Makes an empty table; the responder hears only of what changes for an address as a whole. */
export const addressTable = (responder: Answering): AddressTable => {
  type Entry = { readonly claims: Map<ObjectKey, Interfaces>; announced: Interfaces };
  const entries = new Map<Ip, Entry>();

  const announceAgain = (ip: Ip, entry: Entry): void => {
    const union = unionOf(entry.claims.values());
    if (isSame(union, entry.announced)) return;
    entry.announced = union;
    responder.announce(ip, union);
  };

  return {
    claim: (ip, service, interfaces) => {
      const entry = entries.get(ip);
      if (entry === undefined) {
        entries.set(ip, { claims: new Map([[service, interfaces]]), announced: interfaces });
        responder.announce(ip, interfaces);
      } else {
        entry.claims.set(service, interfaces);
        announceAgain(ip, entry);
      }
    },
    release: (ip, service) => {
      const entry = entries.get(ip);
      if (entry === undefined || !entry.claims.delete(service)) return;
      if (entry.claims.size > 0) {
        announceAgain(ip, entry);
      } else {
        entries.delete(ip);
        responder.withdraw(ip);
      }
    },
  };
};

const unionOf = (lists: Iterable<Interfaces>): Interfaces => {
  const names = new Set<string>();
  for (const list of lists) {
    if (list === undefined) return undefined;
    for (const name of list) names.add(name);
  }
  return [...names].sort();
};

const isSame = (a: Interfaces, b: Interfaces): boolean =>
  a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((name, i) => name === b[i]));
