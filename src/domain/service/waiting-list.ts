import type { Ip, IpFamily } from '../../lib/ip.ts';
import type { ObjectKey } from '../objects.ts';
import type { Wait } from './pool-choice.ts';

/** Which services wait for what, so that a freed address wakes those that could use it and nobody else. */
export class WaitingList {
  readonly #byWait = new Map<string, Set<ObjectKey>>();
  readonly #byService = new Map<ObjectKey, readonly string[]>();

  /** Says what a service waits for from now on. It keeps its place where it waits already. */
  set(service: ObjectKey, waits: readonly Wait[]): void {
    const names = waits.map(nameOf);
    for (const name of this.#byService.get(service) ?? []) {
      if (!names.includes(name)) this.#leave(name, service);
    }
    for (const name of names) {
      const queue = this.#byWait.get(name);
      if (queue === undefined) this.#byWait.set(name, new Set([service]));
      else queue.add(service);
    }
    if (names.length === 0) this.#byService.delete(service);
    else this.#byService.set(service, names);
  }

  /** Those that wait for this very address, in the order they came. */
  forAddress(ip: Ip): Iterable<ObjectKey> {
    return this.#byWait.get(nameOf({ type: 'address', ip })) ?? [];
  }

  /** Those that wait for any address of a pool, in the order they came. */
  forPool(pool: string, family: IpFamily): Iterable<ObjectKey> {
    return this.#byWait.get(nameOf({ type: 'pool', pool, family })) ?? [];
  }

  #leave(name: string, service: ObjectKey): void {
    const queue = this.#byWait.get(name);
    queue?.delete(service);
    if (queue?.size === 0) this.#byWait.delete(name);
  }
}

/** An object's name has no blank, so names of different waits differ. */
const nameOf = (wait: Wait): string => (wait.type === 'address' ? wait.ip : `${wait.family} ${wait.pool}`);
