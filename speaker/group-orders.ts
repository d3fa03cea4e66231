import type { GroupOrder } from '../src/lib/group-order.ts';
import type { Configuration, L2Advertisement, Pool } from '../src/domain/config/configuration.ts';
import type { GroupDecision } from '../src/domain/layer2/group-decision.ts';
import type { Ip } from '../src/lib/ip.ts';

/** A group as it was decided last, and what of it was ordered. */
export type GroupState = {
  readonly key: Ip;
  readonly decision: GroupDecision;
  /** The newest version that was seen of what it rests on; what is gone has none. */
  readonly revision: number;
  /** What stands at the responder; undefined: it has no order for the group. */
  ordered: GroupOrder | undefined;
};

/** Whether two orders say the same. */
export const isSameOrder = (a: GroupOrder, b: GroupOrder): boolean =>
  a.policy === b.policy &&
  a.revision === b.revision &&
  isSameList(a.candidates, b.candidates, Object.is) &&
  isSameList(
    a.addresses,
    b.addresses,
    (x, y) =>
      x.ip === y.ip &&
      (x.interfaces === y.interfaces ||
        (x.interfaces !== undefined &&
          y.interfaces !== undefined &&
          isSameList(x.interfaces, y.interfaces, Object.is))),
  );

const isSameList = <T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean =>
  a === b || (a.length === b.length && a.every((value, index) => isSame(value, b[index] as T)));

/**
 * The versions of pools and their advertisements, by name of the pool; undefined stands for the advertisements of pools
 * that are gone. Of pools that say what they said before it is the version from then: counters in their status move the
 * version of the object all the time.
 */
export const poolRevisions = (
  { pools, l2Advertisements }: Configuration,
  changed: ReadonlySet<string>,
  before: ReadonlyMap<string | undefined, number>,
): ReadonlyMap<string | undefined, number> => {
  const revisions = new Map<string | undefined, number>();
  for (const pool of pools) {
    const known = changed.has(pool.name) ? undefined : before.get(pool.name);
    revisions.set(pool.name, known ?? revisionOfPool(pool));
  }
  return revisions.set(undefined, newestAdvertisement(l2Advertisements.map(({ advertisement }) => advertisement)));
};

const revisionOfPool = ({ revision, l2Advertisements }: Pool): number =>
  Math.max(revision, newestAdvertisement(l2Advertisements));

const newestAdvertisement = (advertisements: readonly L2Advertisement[]): number =>
  Math.max(0, ...advertisements.map(({ revision }) => revision));
