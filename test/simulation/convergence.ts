import type { Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { compareAge } from '../../src/domain/service/keeping.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { assemblePools, mayShare, shownBy, termsOf, viewOf } from './model.ts';
import type { Story } from './random.ts';
import type { World } from './world.ts';
import { hasReason } from './write-rules.ts';

/** An address that two services show now and may not share. */
type DoubleUse = { readonly ip: Ip; readonly older: ServiceView; readonly younger: ServiceView };

const doubleUsesNow = ({ server }: World): readonly DoubleUse[] => {
  const services = server.all('services').map(viewOf).sort(compareAge);
  return services.flatMap((older, index) =>
    services
      .slice(index + 1)
      .filter((younger) => !mayShare(termsOf(older), termsOf(younger)))
      .flatMap((younger) =>
        shownBy(older)
          .filter((ip) => shownBy(younger).includes(ip))
          .map((ip) => ({ ip, older, younger })),
      ),
  );
};

/**
 * Those of which it is clear who keeps the address: the oldest who shows it, if it wants it. One who has changed with
 * whom it shares an address loses it, however old it is.
 */
const clearCases = (
  uses: readonly DoubleUse[],
  given: World['doubleUses'],
  pools: readonly Pool[],
  reassign: boolean,
): readonly DoubleUse[] =>
  uses.filter(
    ({ ip, older, younger }) =>
      !hasReason(older, ip, pools, reassign) &&
      given.some(
        ({ ip: other, services }) =>
          other === ip && services.every(({ uid }) => uid === older.uid || uid === younger.uid),
      ) &&
      !uses.some((other) => other.ip === ip && other.younger.uid === older.uid),
  );

/**
 * Lets both leaders see all that there is, and then do what they do about it: throws unless every double use is gone
 * then, the older service has kept the address, and, once all is at rest, both have been told. `since` is how many
 * events had been told when there was no double use. Gives how many there were.
 */
export const expectConverging = async (
  world: World,
  story: Story,
  since: number,
  { reassignOnPoolChange, isEventLost }: { readonly reassignOnPoolChange: boolean; readonly isEventLost: boolean },
): Promise<number> => {
  const { server } = world;
  await world.inform();
  const uses = doubleUsesNow(world);
  for (const { ip, older, younger } of uses)
    story.tell(`both have seen that ${older.name} and ${younger.name} have ${ip}`);
  const pools = assemblePools(server.all);
  const clear = clearCases(uses, world.doubleUses, pools, reassignOnPoolChange);
  await world.serveWrites();
  story.tell('a pass is over');
  const ipsOf = ({ uid }: ServiceView): readonly Ip[] =>
    server
      .all('services')
      .map(viewOf)
      .filter((view) => view.uid === uid)
      .flatMap(shownBy);
  for (const { ip, older, younger } of uses) {
    if (ipsOf(older).includes(ip) && ipsOf(younger).includes(ip))
      throw new Error(`${older.name} and ${younger.name} both show ${ip} after a pass`);
  }
  for (const { ip, older } of clear) {
    if (!ipsOf(older).includes(ip)) throw new Error(`${older.name} is older and has lost ${ip}`);
  }
  await world.rest();
  if (isEventLost) return clear.length;
  const isTold = (service: ServiceView, reason: string, ip: Ip): boolean =>
    world.told
      .slice(since)
      .some((told) => told.service === service.name && told.event.reason === reason && told.event.message.includes(ip));
  for (const { ip, older, younger } of clear) {
    if (hasReason(younger, ip, pools, reassignOnPoolChange)) continue;
    // Of several who share the address one was there when the conflict was found.
    const keepers = clear.filter((other) => other.ip === ip && other.younger.uid === younger.uid);
    if (!keepers.some((other) => isTold(other.older, 'AddressConflict', ip)))
      throw new Error(`${older.name} was not told that it keeps ${ip}`);
    if (!isTold(younger, 'ClearAssignment', ip)) throw new Error(`${younger.name} was not told why it lost ${ip}`);
  }
  return clear.length;
};
