import type { Ip, IpFamily } from '../../lib/ip.ts';
import { circleOf } from '../allocator/sharing.ts';
import type { ObjectKey } from '../objects.ts';
import type { Wait } from './pool-choice.ts';

/** A queue that a service stands in, and whom it stands with there. */
type Place = { readonly queue: string; readonly group: string };

/**
 * Which services wait for what, so that a change wakes those whom it can help and nobody else. Each queue is in the
 * order in which the services came.
 */
export class WaitingList {
  readonly #queues = new Map<string, Map<string, Set<ObjectKey>>>();
  readonly #places = new Map<ObjectKey, readonly Place[]>();

  /** Says what a service waits for from now on. It keeps its place where it waits already. */
  set(service: ObjectKey, waits: readonly Wait[]): void {
    const before = this.#places.get(service);
    if (before === undefined && waits.length === 0) return;
    const places = waits.flatMap(placesOf);
    for (const place of before ?? []) {
      if (!places.some(({ queue, group }) => queue === place.queue && group === place.group))
        this.#leave(place, service);
    }
    for (const place of places) this.#join(place, service);
    if (places.length === 0) this.#places.delete(service);
    else this.#places.set(service, places);
  }

  /** Those that somebody on this address keeps out. */
  forAddress(ip: Ip): Iterable<ObjectKey> {
    return this.#group(addressQueue(ip));
  }

  /** Those that whoever has this port on the address keeps out. */
  forPort(ip: Ip, port: string): Iterable<ObjectKey> {
    return this.#group(portQueue(ip, port));
  }

  /** Those that wait for any address of a pool. */
  forPool(pool: string, family: IpFamily): Iterable<ObjectKey> {
    return this.#group(poolQueue(pool, family));
  }

  /** Those that could share an address of the pool in a circle, grouped by their ports: what one cannot have no other can. */
  forCircle(pool: string, family: IpFamily, circle: string): Iterable<Iterable<ObjectKey>> {
    return this.#queues.get(circleQueue(pool, family, circle))?.values() ?? [];
  }

  #group(queue: string): Iterable<ObjectKey> {
    return this.#queues.get(queue)?.get('') ?? [];
  }

  #join({ queue, group }: Place, service: ObjectKey): void {
    let groups = this.#queues.get(queue);
    if (groups === undefined) this.#queues.set(queue, (groups = new Map<string, Set<ObjectKey>>()));
    const members = groups.get(group);
    if (members === undefined) groups.set(group, new Set([service]));
    else members.add(service);
  }

  #leave({ queue, group }: Place, service: ObjectKey): void {
    const groups = this.#queues.get(queue);
    const members = groups?.get(group);
    members?.delete(service);
    if (members?.size === 0) groups?.delete(group);
    if (groups?.size === 0) this.#queues.delete(queue);
  }
}

const placesOf = (wait: Wait): readonly Place[] => {
  if (wait.type === 'address') return [{ queue: addressQueue(wait.ip), group: '' }];
  if (wait.type === 'port') return [{ queue: portQueue(wait.ip, wait.port), group: '' }];
  const { pool, family, sharing } = wait;
  const circle = circleOf(sharing);
  const plain = { queue: poolQueue(pool, family), group: '' };
  if (sharing === undefined || circle === undefined) return [plain];
  return [plain, { queue: circleQueue(pool, family, circle), group: sharing.ports.toSorted().join() }];
};

// An object's name, an address and a port have neither blank nor line end, so names of different queues differ.
const addressQueue = (ip: Ip): string => ip;
const portQueue = (ip: Ip, port: string): string => `${ip} ${port}`;
const poolQueue = (pool: string, family: IpFamily): string => `${family} ${pool}`;
const circleQueue = (pool: string, family: IpFamily, circle: string): string => `${family} ${pool}\n${circle}`;
