import type { Millis } from '../../src/lib/time.ts';
import { createKeyRing } from '../../src/proto/ownership/key-ring.ts';
import { decodeOwnershipMessage, encodeOwnershipMessage } from '../../src/proto/ownership/packet.ts';
import type { Sealer } from './ownership-driver.ts';

/** Seals and opens messages with the keys that follow from the content of the mounted key, which must not be empty. */
export const createSealer = (
  secret: Uint8Array,
): Sealer & { readonly replaceKey: (secret: Uint8Array, now: Millis) => void } => {
  const ring = createKeyRing(secret);
  return {
    seal: (message, now) => ring.seal(encodeOwnershipMessage(message), now),
    open: (datagram, now) => {
      const opened = ring.open(datagram, now);
      if (!opened.ok) return opened.error === 'unknownKey' ? 'unknownKey' : 'bad';
      const message = decodeOwnershipMessage(opened.value);
      return message.ok ? message.value : 'bad';
    },
    replaceKey: (fresh, now) => void ring.replace(fresh, now),
  };
};
