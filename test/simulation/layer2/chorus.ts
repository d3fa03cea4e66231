import { millis } from '../../../src/lib/time.ts';
import { nodeHash } from '../../../src/proto/ownership/digest.ts';
import type {
  Ownership,
  OwnershipEffect,
  OwnershipLink,
  OwnershipOptions,
} from '../../../src/proto/ownership/machine.ts';
import type { Beacon } from '../../../src/proto/ownership/message.ts';
import { beaconInterval } from '../../../src/proto/ownership/timing.ts';

/** Names that a beacon has room for. */
const namesAtMost = 256;

/**
 * A speaker that owns nothing and never will, one of so many: it says that it lives, who has spoken to it, and what it is
 * asked; it does not listen to what is said to everybody. A thousand machines that know each other do not fit into a
 * test; a few among many that sound like them do.
 */
export const createChorusSpeaker = ({ node, random64 }: OwnershipOptions, size: number): Ownership => {
  const heard = new Map<string, number>();
  const interval = beaconInterval(false, size);
  let links: readonly OwnershipLink[] = [];
  let due = Infinity;

  const beaconOn = (link: OwnershipLink): Beacon => ({
    type: 'beacon',
    interval,
    isOwner: false,
    isListening: false,
    isLeaving: false,
    isMainAwake: true,
    digest: 0,
    mac: link.mac,
    ipv4: link.ipv4,
    ipv6: link.ipv6,
    interfaces: [{ name: link.name, mac: link.mac }],
    isCopy: false,
    hears: [...heard.values()].slice(0, namesAtMost),
    hearsCopies: [],
    changes: [],
  });

  return {
    step: (event, now): readonly OwnershipEffect[] => {
      if (event.type === 'links') {
        links = event.links;
        due = now + Number(random64() % 1000n) * (interval / 1000);
      }
      if (event.type === 'timerDue' && due <= now) {
        due = now + interval;
        return links.map((link) => ({ type: 'send', interface: link.index, to: 'all', body: beaconOn(link) }));
      }
      if (event.type !== 'received') return [];
      const { message, from, interface: index } = event;
      if (!heard.has(message.node)) heard.set(message.node, nodeHash(message.node));
      const isAsked = message.type === 'challenge' || (message.type === 'whoHears' && message.sought === node);
      if (isAsked) {
        return [{ type: 'send', interface: index, to: from, body: { type: 'challengeAnswer', nonce: message.nonce } }];
      }
      if (message.type !== 'claimsWanted') return [];
      const body = { type: 'claims', digest: 0, part: 0, parts: 1, claims: [] } as const;
      return [{ type: 'send', interface: index, to: from, body }];
    },
    nextDeadline: () => millis(due),
    owns: () => false,
  };
};
