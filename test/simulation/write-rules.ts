import type { Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { familyOf, type Ip } from '../../src/lib/ip.ts';
import type { RawObject, StoredEvent } from './api-server.ts';
import {
  admits,
  allocatedFrom,
  isAskedFor,
  mayShare,
  poolWith,
  serves,
  shownBy,
  type Terms,
  termsOf,
  viewOf,
  wishOf,
} from './model.ts';
import type { KnownPools } from './replica.ts';

/** Two services that show one address and may not share it. */
export type DoubleUse = { readonly ip: Ip; readonly services: readonly [ServiceView, ServiceView] };

/** What services have shown, and on what terms. */
export type Showings = {
  readonly note: (event: StoredEvent) => void;
  /** The others who show that address and never wanted to share it with the service since they do. */
  readonly rivalsFor: (ip: Ip, service: ServiceView) => readonly ServiceView[];
  /**
   * Whether the service, or one that has the same address, has changed with whom it shares since it shows that. Who of
   * them it was is not known to a controller that has just started.
   */
  readonly hasParted: (ip: Ip, service: ServiceView) => boolean;
};

export const watchShowings = (): Showings => {
  /** By uid: what a service shows, with its terms since it does. */
  const shown = new Map<string, { view: ServiceView; readonly terms: Map<Ip, Terms[]> }>();
  return {
    note: ({ type, raw }) => {
      const { uid } = raw.metadata;
      if (type === 'DELETED') {
        shown.delete(uid);
        return;
      }
      const view = viewOf(raw);
      const terms = new Map(shownBy(view).map((ip) => [ip, [...(shown.get(uid)?.terms.get(ip) ?? []), termsOf(view)]]));
      shown.set(uid, { view, terms });
    },
    rivalsFor: (ip, service) =>
      [...shown.values()]
        .filter(({ view, terms }) => {
          const known = view.uid === service.uid ? undefined : terms.get(ip);
          return known !== undefined && !known.some((each) => mayShare(each, termsOf(service)));
        })
        .map(({ view }) => view),
    hasParted: (ip, service) => {
      const own = shown.get(service.uid)?.terms.get(ip) ?? [];
      if (own.some((each) => JSON.stringify(each) !== JSON.stringify(termsOf(service)))) return true;
      return [...shown.values()].some(
        ({ view, terms }) =>
          view.uid !== service.uid && terms.get(ip)?.some((each) => !mayShare(each, termsOf(service))) === true,
      );
    },
  };
};

/** Each address that a write shows which others show already, though they cannot share it. */
export const doubleUses = (before: ServiceView, after: ServiceView, showings: Showings): readonly DoubleUse[] =>
  shownBy(after)
    .filter((ip) => !shownBy(before).includes(ip))
    .flatMap((ip) => showings.rivalsFor(ip, before).map((rival): DoubleUse => ({ ip, services: [rival, after] })));

/**
 * Throws if a status takes away or replaces an address without a reason. `known` are the pools that the writer has
 * known, the newest last: it may have planned by any that it knew since the service was as it is.
 */
export const expectReasonToChange = (
  before: RawObject,
  after: RawObject,
  known: readonly KnownPools[],
  showings: Showings,
  reassignOnPoolChange: boolean,
): void => {
  const since = Number(before.metadata.resourceVersion);
  const relevant = known.filter(({ until }) => until >= since);
  const view = viewOf(before);
  const kept = shownBy(viewOf(after));
  for (const ip of shownBy(view)) {
    if (kept.includes(ip)) continue;
    if (relevant.some(({ pools }) => hasReason(view, ip, pools(), reassignOnPoolChange))) continue;
    if (showings.hasParted(ip, view)) continue;
    throw new Error(`${view.name} lost ${ip} (${allocatedFrom(view)}) for ${kept.join()} without asking`);
  }
};

/** Whether a service has a reason of its own to lose an address, by these pools. */
export const hasReason = (
  view: ServiceView,
  ip: Ip,
  pools: readonly Pool[],
  reassignOnPoolChange: boolean,
): boolean => {
  if (!serves(view)) return true;
  const home = poolWith(pools, ip);
  const from = allocatedFrom(view);
  if (from === undefined && home === undefined) return true; // somebody else's
  const wish = wishOf(view);
  if (reassignOnPoolChange && (home === undefined || !admits(home, view))) return true;
  if (wish.type === 'unclear') return false;
  const { families, pool } = wish;
  return (
    !families.includes(familyOf(ip)) ||
    !isAskedFor(ip, view, wish) ||
    (pool !== undefined && pool !== home?.name && pool !== from)
  );
};
