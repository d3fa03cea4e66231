import type { GroupAddress } from '../../../src/lib/group-order.ts';
import type { Ip } from '../../../src/lib/ip.ts';
import { millis } from '../../../src/lib/time.ts';
import type { Ownership, OwnershipOptions } from '../../../src/proto/ownership/machine.ts';

/** A speaker of the original: it says nothing, and answers for whatever it finds itself first for. */
export const createOriginal = ({ node }: OwnershipOptions): Ownership => {
  const owned = new Map<Ip, readonly GroupAddress[]>();
  return {
    step: (event) => {
      if (event.type !== 'groups') return [];
      const given = event.changed
        .filter(({ key, candidates }) => candidates[0] === node && !owned.has(key))
        .map(({ key, addresses }) => ({ key, addresses }));
      const lost = [
        ...event.changed
          .filter(({ key, candidates }) => candidates[0] !== node && owned.has(key))
          .map(({ key }) => key),
        ...event.removed.filter(({ key }) => owned.has(key)).map(({ key }) => key),
      ].map((key) => ({ key, addresses: owned.get(key)! }));
      for (const { key, addresses } of given) owned.set(key, addresses);
      for (const { key } of lost) owned.delete(key);
      return [
        ...given.map((group) => ({ type: 'answer', ...group, isAgain: false }) as const),
        ...lost.map((group) => ({ type: 'silence', ...group }) as const),
      ];
    },
    nextDeadline: () => millis(Infinity),
    owns: (key) => owned.has(key),
  };
};
