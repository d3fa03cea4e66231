import type { GroupAddress } from '../../lib/group-order.ts';
import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Mac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Sighting } from './machine.ts';
import { forEachDue } from './timers.ts';
import { conflictMemory, defendInterval } from './timing.ts';

/**
 * What happens when another host claims an address that is answered here: it is defended and never given up, with one
 * announcement in ten seconds (RFC 5227 section 2.4 (c)), and reported.
 */
export type Defence = {
  readonly sighted: (group: Group, sighting: Sighting, isDefended: boolean) => void;
  /** The group is not answered here any more. */
  readonly stop: (group: Group) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

type Conflict = {
  readonly group: Group;
  readonly address: GroupAddress;
  readonly interface: number;
  mac: Mac;
  seenAt: Millis;
  defendedAt: number;
  readonly isDefended: boolean;
};

/** Makes the defence of one machine. */
export const createDefence = (context: Context): Defence => {
  const conflicts = new Map<Group, Conflict[]>();
  const ends = createDeadlineQueue<Conflict>();

  const tell = ({ group, address, interface: index, mac, isDefended }: Conflict, isOver: boolean): void =>
    context.report({
      type: 'conflict',
      key: group.key,
      ip: address.ip,
      interface: index,
      mac: isOver ? undefined : mac,
      isDefended,
    });

  const end = (conflict: Conflict): void => {
    const others = conflicts.get(conflict.group)!.filter((other) => other !== conflict);
    if (others.length > 0) conflicts.set(conflict.group, others);
    else conflicts.delete(conflict.group);
    ends.delete(conflict);
    tell(conflict, true);
  };

  return {
    sighted: (group, { ip, mac, interface: index }, isDefended) => {
      const address = group.order.addresses.find((known) => known.ip === ip);
      if (address === undefined) return;
      const now = context.now();
      const known = conflicts.get(group) ?? [];
      let conflict = known.find((other) => other.address.ip === ip && other.interface === index);
      if (conflict === undefined) {
        conflict = { group, address, interface: index, mac, seenAt: now, defendedAt: -Infinity, isDefended };
        conflicts.set(group, [...known, conflict]);
        tell(conflict, false);
      } else if (conflict.mac !== mac) {
        conflict.mac = mac;
        tell(conflict, false);
      }
      conflict.seenAt = now;
      ends.set(conflict, millis(now + conflictMemory));
      if (!isDefended || now - conflict.defendedAt < defendInterval) return;
      conflict.defendedAt = now;
      context.emit({ type: 'defend', address, interface: index });
    },
    stop: (group) => {
      for (const conflict of conflicts.get(group) ?? []) end(conflict);
    },
    timerDue: () => forEachDue(ends, context.now(), end),
    nextDeadline: ends.next,
  };
};
