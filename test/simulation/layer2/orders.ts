import type { GroupAddress, GroupOrder } from '../../../src/lib/group-order.ts';
import { placeAll } from '../../../src/domain/layer2/placement.ts';
import { hashRank } from '../../../src/lib/hash-rank.ts';
import type { Ip } from '../../../src/lib/ip.ts';

/** A group of addresses as the API server has it. */
export type Service = {
  readonly key: Ip;
  readonly addresses: readonly GroupAddress[];
  /** Nodes that may own it. */
  readonly nodes: readonly string[];
  readonly revision: number;
};

/** What stands in the API server. */
export type ApiState = ReadonlyMap<Ip, Service>;

/** What a main thread knows when it orders the candidates of all groups. */
export type View = {
  readonly api: ApiState;
  /** No candidates any more: by gossip gone, and not heard. */
  readonly gone: ReadonlySet<string>;
  readonly isHeard: (node: string) => boolean;
  readonly owners: ReadonlyMap<Ip, string>;
  readonly policy: GroupOrder['policy'];
};

/** In larger clusters the loads are left out: a thousand main threads in one process cannot sort that much. */
const placedNodes = 30;

export const orderCandidates = (view: View): ReadonlyMap<Ip, readonly string[]> => {
  const services = [...view.api.values()];
  const names = new Set([...new Set(services.map(({ nodes }) => nodes))].flat());
  if (view.policy === 'exact' || names.size > placedNodes) {
    const absent = [...view.gone].join();
    return new Map(
      services.map((service) => [
        service.key,
        byHash(service, view.gone, absent, view.policy === 'exact' ? undefined : view.owners.get(service.key)),
      ]),
    );
  }
  return placeAll(
    services.map(({ key, nodes }) => ({
      key,
      candidates: nodes.filter((node) => !view.gone.has(node)).map((node) => ({ node, score: 0 })),
      owner: view.owners.get(key),
      createdAt: '2026-01-01T00:00:00Z',
    })),
    names.size,
    (node) => ({ isReady: true, isHeard: view.isHeard(node) }),
  );
};

/** What was made of services by owner and by who is gone: many threads want the same. */
const known = new WeakMap<Service, Map<string, readonly string[]>>();

/** The original's order, but for an owner that stays. */
const byHash = (
  service: Service,
  gone: ReadonlySet<string>,
  absent: string,
  owner: string | undefined,
): readonly string[] => {
  let orders = known.get(service);
  if (orders === undefined) known.set(service, (orders = new Map()));
  const first = owner !== undefined && !gone.has(owner) ? owner : '';
  const name = `${first} ${absent}`;
  let order = orders.get(name);
  if (order === undefined) {
    const { key, nodes } = service;
    const ranks = new Map(nodes.map((node) => [node, node === first ? '' : hashRank(node, key)]));
    order = nodes.filter((node) => !gone.has(node)).sort((a, b) => (ranks.get(a)! < ranks.get(b)! ? -1 : 1));
    orders.set(name, order);
  }
  return order;
};
