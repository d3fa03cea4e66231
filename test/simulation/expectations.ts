import type { Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { allocatedCondition, announcedCondition, conditionOf } from '../../src/domain/service/desired-status.ts';
import { familyOf, type Ip } from '../../src/lib/ip.ts';
import { list, object, text } from '../../src/lib/json.ts';
import type { ApiServer, RawObject } from './api-server.ts';
import {
  addressesOf,
  admits,
  allocatedFrom,
  assemblePools,
  couldAdd,
  couldHave,
  homeOf,
  isAskedFor,
  isAvailable,
  type Picture,
  poolWith,
  serves,
  shownBy,
  viewOf,
  type Wish,
  wishOf,
} from './model.ts';

/** Throws unless everything is as it must be once all is quiet. */
export const expectRest = (server: ApiServer, reassignOnPoolChange: boolean): void => {
  const pools = assemblePools(server.all);
  const services = server.all('services').map(viewOf);
  const picture = { services, pools };
  for (const raw of server.all('services')) {
    const view = viewOf(raw);
    const fail = (fault: string): never => {
      throw new Error(`${view.name} ${fault}: ${JSON.stringify(raw)}`);
    };
    if (serves(view)) expectServed(view, picture, reassignOnPoolChange, fail);
    else expectUnserved(view, fail);
    expectTimes(raw, fail);
  }
  const shown = new Set(services.flatMap(shownBy));
  for (const pool of pools) expectCounters(pool, server.all('ipaddresspools'), shown);
};

type Fail = (fault: string) => never;

const expectUnserved = (view: ServiceView, fail: Fail): void => {
  if (view.ingress.length > 0) fail('shows an address, which nobody gives it');
  if (view.type === 'LoadBalancer') return;
  if (allocatedFrom(view) !== undefined) fail('keeps our annotation');
  if (view.conditions.length > 0) fail('keeps our condition');
};

const expectServed = (view: ServiceView, picture: Picture, reassignOnPoolChange: boolean, fail: Fail): void => {
  const { pools } = picture;
  const ips = shownBy(view);
  const from = allocatedFrom(view);
  const wish = wishOf(view);
  if (new Set(ips.map(familyOf)).size < ips.length) fail('has two addresses of a family');
  for (const ip of ips) if (!isAvailable(ip, view, picture)) fail(`shares ${ip} with one who does not want that`);
  const home = homeOf(pools, ips)?.name;
  const isForeign = ips.length > 0 && from === undefined && home === undefined;
  if (ips.length === 0 || isForeign) {
    if (wish.type === 'clear' && couldHave(view, wish, picture)) fail('could have an address');
    if (from !== undefined && wish.type === 'clear') fail('has our annotation and no address');
    if (isForeign && view.conditions.length > 0) fail('has our condition and the address of another');
    if (!isForeign) expectCondition(view, wish, picture, fail);
    return;
  }
  if (from === undefined) fail('has an address without our annotation');
  // Who asked for the pool that an address came from has that noted.
  const isAsked = wish.type === 'clear' && wish.pool === from;
  if (home !== undefined && from !== home && !isAsked) fail(`has addresses of ${home}, noted as of ${from}`);
  if (wish.type === 'clear') {
    for (const ip of ips) {
      const own = poolWith(pools, ip);
      if (!wish.families.includes(familyOf(ip))) fail(`has ${ip} of a family that it does not want`);
      if (!isAskedFor(ip, view, wish)) fail(`has ${ip} and wants ${wish.requested.join()}`);
      if (wish.pool !== undefined && wish.pool !== own?.name && wish.pool !== from)
        fail(`has ${ip} of ${own?.name} and wants ${wish.pool}`);
      if (reassignOnPoolChange && (own === undefined || !admits(own, view))) fail(`has ${ip}, which it should lose`);
    }
    for (const family of wish.families) {
      if (!ips.some((ip) => familyOf(ip) === family) && couldAdd(view, family, wish, picture))
        fail(`could have an ${family} address as well`);
    }
  }
  expectCondition(view, wish, picture, fail);
};

/** The condition says the same as the status. */
const expectCondition = (view: ServiceView, wish: Wish, picture: Picture, fail: Fail): void => {
  const ips = shownBy(view);
  const condition = conditionOf(view, allocatedCondition);
  if (condition === undefined) return fail('should have a condition about its address');
  // No speaker takes part here: nobody announces what has an address.
  const announced = conditionOf(view, announcedCondition);
  if (announced?.reason !== (ips.length > 0 ? 'NoSpeaker' : undefined)) fail('has a wrong condition about speakers');
  if (condition.status !== (ips.length > 0 ? 'True' : 'False')) fail('has a condition that is wrong about the address');
  for (const ip of ips) if (!condition.message.includes(`"${ip}"`)) fail(`has a condition that does not name ${ip}`);
  const { reason } = condition;
  if (wish.type === 'unclear') {
    if (reason !== wish.reason) fail(`should have the reason ${wish.reason}`);
  } else if (ips.length > 0) {
    const lacksFamily = wish.families.some((family) => !ips.some((ip) => familyOf(ip) === family));
    const lacksAny = lacksFamily || wish.requested.some((ip) => !ips.includes(ip));
    const isOutside = ips.some((ip) => poolWith(picture.pools, ip) === undefined);
    const expected = lacksAny ? 'AllocatedPartly' : isOutside ? 'AllocatedOutsidePools' : 'Allocated';
    if (reason !== expected) fail(`should have the reason ${expected}`);
  } else if (reason === 'AddressInUse') {
    const taken = wish.requested.filter((ip) => !isAvailable(ip, view, picture));
    const holders = picture.services.filter((other) => shownBy(other).some((ip) => taken.includes(ip)));
    if (!holders.some(({ key }) => condition.message.includes(key))) fail('does not say who has the address');
  } else if (reason !== 'AllocationFailed') fail('has a wrong reason');
};

/** A condition that the API server would take has a time. */
const expectTimes = ({ status }: RawObject, fail: Fail): void => {
  for (const condition of list(status?.['conditions'])) {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text(object(condition)['lastTransitionTime']) ?? ''))
      fail('has a condition without a time');
  }
};

const expectCounters = (pool: Pool, raws: readonly RawObject[], shown: ReadonlySet<Ip>): void => {
  const ips = [...addressesOf(pool)];
  const count = (isIPv6: boolean): readonly [number, number] => {
    const family = ips.filter((ip) => ip.includes(':') === isIPv6);
    const assigned = family.filter((ip) => shown.has(ip)).length;
    return [assigned, family.length - assigned];
  };
  const [assignedIPv4, availableIPv4] = count(false);
  const [assignedIPv6, availableIPv6] = count(true);
  const expected = { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 };
  const { status = {} } = raws.find(({ metadata }) => metadata.name === pool.name)!;
  if (Object.entries(expected).some(([name, value]) => status[name] !== value))
    throw new Error(`the status of pool ${pool.name} is ${JSON.stringify(status)}, not ${JSON.stringify(expected)}`);
};
