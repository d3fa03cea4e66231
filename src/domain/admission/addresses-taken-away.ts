import { type Ip, parseIp } from '../../lib/ip.ts';
import type { Configuration } from '../config/configuration.ts';
import { findPool } from '../config/find-pool.ts';
import type { ObjectKey, ServiceView } from '../objects.ts';

/** An address that a service has, and no pool any more. */
export type Loss = { readonly service: ObjectKey; readonly ip: Ip };

/** The addresses in use that were in a pool before a change, and are in none after it. */
export const addressesTakenAway = (
  before: Pick<Configuration, 'pools'>,
  after: Pick<Configuration, 'pools'>,
  services: Iterable<Pick<ServiceView, 'key' | 'ingress'>>,
): readonly Loss[] => {
  const losses: Loss[] = [];
  for (const { key, ingress } of services) {
    for (const { ip = '' } of ingress) {
      const parsed = parseIp(ip);
      if (!parsed.ok || findPool(before, parsed.value) === undefined) continue;
      if (findPool(after, parsed.value) === undefined) losses.push({ service: key, ip: parsed.value });
    }
  }
  return losses;
};

/** Says what becomes of them, naming as many as `octets` octets have room for. */
export const takenAwayText = (losses: readonly Loss[], fate: 'keep' | 'change', octets: number): string => {
  const services = new Set(losses.map(({ service }) => service)).size;
  const what = services === 1 ? `1 service ${fate}s` : `${services} services ${fate}`;
  const head = `${what} addresses that are in no pool any more: `;
  const tail = (left: number): string => (left > 0 ? ` and ${left} more` : '');
  let shown = '';
  for (const [index, { service, ip }] of losses.entries()) {
    const longer = `${shown}${index > 0 ? ', ' : ''}${ip} (${service})`;
    // One is always named, however long its name is.
    const isTooLong = Buffer.byteLength(head + longer + tail(losses.length)) > octets;
    if (index > 0 && isTooLong) return head + shown + tail(losses.length - index);
    shown = longer;
  }
  return head + shown;
};
