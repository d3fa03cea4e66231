import type { Ip } from '../../lib/ip.ts';
import { ipv6Words } from './address.ts';

/** Values by IPv6 address, found by the octets of a frame without making anything of them first. */
export class Ipv6Table<Value> {
  /** By the last 32 bits, which differ where anything does. */
  readonly #buckets = new Map<number, Entry<Value>[]>();

  set(ip: Ip, value: Value): void {
    this.delete(ip);
    const [first, second, third, last] = ipv6Words(ip);
    const bucket = this.#buckets.get(last) ?? [];
    bucket.push({ ip, first, second, third, value });
    this.#buckets.set(last, bucket);
  }

  delete(ip: Ip): void {
    const last = ipv6Words(ip)[3];
    const rest = this.#buckets.get(last)?.filter((entry) => entry.ip !== ip) ?? [];
    if (rest.length === 0) this.#buckets.delete(last);
    else this.#buckets.set(last, rest);
  }

  /** The value of the address in the sixteen octets at `at`. */
  find(frame: DataView, at: number): Value | undefined {
    const bucket = this.#buckets.get(frame.getUint32(at + 12));
    if (bucket === undefined) return undefined;
    for (const { first, second, third, value } of bucket) {
      if (frame.getUint32(at) === first && frame.getUint32(at + 4) === second && frame.getUint32(at + 8) === third) {
        return value;
      }
    }
    return undefined;
  }
}

type Entry<Value> = {
  readonly ip: Ip;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly value: Value;
};
