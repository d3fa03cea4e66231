import type { Ip } from '../../lib/ip.ts';
import type { Allocation } from '../allocator/allocator.ts';
import { advertisementsOf } from '../config/advertisements-of.ts';
import { notAnnounced, outsidePools, type StandingEvent } from './events.ts';
import type { PlanContext } from './plan-context.ts';

/** What the owner of addresses should know: their pool lost them, or nothing announces them. */
export const whatToKnow = ({ ips, pool: from }: Allocation, context: PlanContext): readonly StandingEvent[] =>
  ips.flatMap((ip) => {
    const pool = context.allocations.poolOf(ip);
    return [
      ...(pool === undefined ? [outsidePools(ip, from)] : []),
      ...whyNotAnnounced(ip, pool?.name ?? from, context),
    ];
  });

const whyNotAnnounced = (ip: Ip, poolName: string | undefined, context: PlanContext): readonly StandingEvent[] => {
  if (poolName === undefined || isCoveredByBgp(poolName, context)) return [];
  if (advertisementsOf(context, poolName).length > 0) return [];
  return [notAnnounced(ip, poolName, context.metallbNamespace)];
};

const isCoveredByBgp = (poolName: string, { pools, bgpAdvertisements }: PlanContext): boolean => {
  const pool = pools.find(({ name }) => name === poolName);
  return pool === undefined
    ? bgpAdvertisements.some(({ poolNames }) => poolNames?.has(poolName) ?? true)
    : pool.bgpAdvertisements.length > 0;
};
