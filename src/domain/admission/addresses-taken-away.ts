import { parseIp } from '../../lib/ip.ts';
import type { Configuration } from '../config/configuration.ts';
import { findPool } from '../config/find-pool.ts';
import type { ServiceView } from '../objects.ts';

/**
 * What becomes of the addresses in use that a change of one pool leaves in no pool, in at most `octets` octets: the
 * services keep them. Undefined if there are none.
 */
export const addressesTakenAway = (
  pool: string,
  before: Pick<Configuration, 'pools'>,
  after: Pick<Configuration, 'pools'>,
  services: Iterable<Pick<ServiceView, 'key' | 'ingress'>>,
  octets: number,
): string | undefined => {
  const losses: string[] = [];
  let count = 0;
  for (const { key, ingress } of services) {
    const lost = ingress.flatMap(({ ip }) => {
      const parsed = parseIp(ip ?? '');
      if (!parsed.ok || findPool(before, parsed.value)?.name !== pool) return [];
      return findPool(after, parsed.value) === undefined ? [parsed.value] : [];
    });
    if (lost.length === 0) continue;
    count++;
    losses.push(...lost.map((ip) => `${ip} (${key})`));
  }
  if (count === 0) return undefined;
  const start = count === 1 ? '1 service keeps its address' : `${count} services keep their addresses`;
  const head = `${start}, though no pool has ${losses.length === 1 ? 'it' : 'them'} any more: `;
  const tailOf = (left: number): string => (left > 0 ? ` and ${left} more` : '');
  let shown = losses.slice(0, 1).join('');
  let next = 1;
  for (; next < losses.length; next++) {
    const longer = `${shown}, ${losses[next]}`;
    // Whether the next one is the last or not, there must be room for saying how many are left.
    if (Buffer.byteLength(head + longer + tailOf(losses.length)) > octets) break;
    shown = longer;
  }
  return head + shown + tailOf(losses.length - next);
};
