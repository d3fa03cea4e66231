import { type Allocation, type AllocationView, heldIps } from '../../src/domain/allocator/allocator.ts';
import { circleOf, isSameSharing, type Sharing } from '../../src/domain/allocator/sharing.ts';
import type { ObjectKey } from '../../src/domain/objects.ts';
import type { WaitingList } from '../../src/domain/service/waiting-list.ts';
import { familyOf, type Ip, type IpFamily } from '../../src/lib/ip.ts';

/** One family of one pool, and a circle of services that share addresses in it. */
type Share = { readonly pool: string; readonly family: IpFamily; readonly circle: string | undefined };

/** What has changed since the waiting services were last looked at, each thing once. */
type Touched = {
  readonly addresses: Set<Ip>;
  readonly ports: Map<string, { readonly ip: Ip; readonly port: string }>;
  /** Without a circle: an address became free. */
  readonly shares: Map<string, Share>;
};

export type WaitersOptions = {
  readonly allocations: AllocationView;
  readonly list: WaitingList;
  /** The terms of a service; it is one that waits. */
  readonly sharingOf: (service: ObjectKey) => Sharing | undefined;
  /** Plans a service that what it waits for may have come to. */
  readonly wake: (service: ObjectKey) => void;
};

/**
 * Wakes services that wait for an address: those that ask for the very one that changed hands first, then those that
 * wait for any of its pool, while there is one left.
 */
export class Waiters {
  readonly #options: WaitersOptions;
  #touched = nothingTouched();

  constructor(options: WaitersOptions) {
    this.#options = options;
  }

  /** Takes note of what a service holds from now on, and held before. */
  note(before: Allocation | undefined, after: Allocation | undefined): void {
    const held = heldIps(before);
    const holds = heldIps(after);
    for (const ip of new Set([...held, ...holds])) {
      const old = before?.ips.includes(ip) === true ? before.sharing : undefined;
      const now = after?.ips.includes(ip) === true ? after.sharing : undefined;
      const stays = held.includes(ip) && holds.includes(ip);
      if (stays && before?.ips.includes(ip) === after?.ips.includes(ip) && isSameSharing(old, now)) continue;
      this.#touched.addresses.add(ip);
      for (const port of old?.ports ?? []) this.#touched.ports.set(`${ip} ${port}`, { ip, port });
      const pool = this.#options.allocations.poolOf(ip)?.name;
      if (pool === undefined) continue;
      const family = familyOf(ip);
      if (!holds.includes(ip)) this.#touchShare({ pool, family, circle: undefined });
      // Whoever is about to leave keeps everybody from joining those who stay; when he is gone they may be joined.
      const reopened = before?.leaving?.includes(ip) === true ? this.#circleOn(ip) : undefined;
      for (const circle of new Set([circleOf(old), circleOf(now), reopened])) {
        if (circle !== undefined) this.#touchShare({ pool, family, circle });
      }
    }
  }

  /** Wakes whom the changes can help, and those whom the changes of that can help, until nobody is left. */
  serve(): void {
    const { list, wake } = this.#options;
    for (let touched = this.#take(); touched !== undefined; touched = this.#take()) {
      for (const ip of touched.addresses) for (const service of list.forAddress(ip)) wake(service);
      for (const { ip, port } of touched.ports.values()) for (const service of list.forPort(ip, port)) wake(service);
      for (const share of touched.shares.values()) this.#offer(share);
    }
  }

  #offer({ pool, family, circle }: Share): void {
    const { allocations, list, sharingOf, wake } = this.#options;
    const groups = circle === undefined ? [list.forPool(pool, family)] : list.forCircle(pool, family, circle);
    for (const group of groups) {
      for (const service of group) {
        const sharing = circle === undefined ? undefined : sharingOf(service);
        if (allocations.firstFree(pool, family, sharing, service) === undefined) break;
        wake(service);
      }
    }
  }

  /** The circle of those who share the address. */
  #circleOn(ip: Ip): string | undefined {
    const { allocations } = this.#options;
    for (const service of allocations.holdersOf(ip)) {
      const held = allocations.allocationOf(service);
      if (held?.ips.includes(ip) === true) return circleOf(held.sharing);
    }
    return undefined;
  }

  #touchShare(share: Share): void {
    this.#touched.shares.set(`${share.pool} ${share.family} ${share.circle ?? ''}`, share);
  }

  #take(): Touched | undefined {
    const touched = this.#touched;
    if (touched.addresses.size + touched.ports.size + touched.shares.size === 0) return undefined;
    this.#touched = nothingTouched();
    return touched;
  }
}

const nothingTouched = (): Touched => ({ addresses: new Set(), ports: new Map(), shares: new Map() });
