import { err, ok, type Result } from '../../lib/result.ts';
import { type Millis, millis, seconds } from '../../lib/time.ts';
import { deriveSealKey, type SealFailure, type SealKey, sealedKeyId, sealedMessage } from './seal.ts';

/** How long after a new key came others may not have it yet: kubelets renew mounted Secrets within two minutes. */
const newKeySpread = seconds(180);

/** How long after a new key came the old one is still accepted. */
const oldKeyLife = seconds(600);

/** Keys at most, however often the secret changes. */
const mostKeys = 4;

/** The keys of a cluster as one speaker knows them. Pure: time is an argument, and never goes back. */
export type KeyRing = {
  /**
   * Takes a new secret: accepted at once, used beside the old one for three minutes and alone from then on. False, and
   * all stays as it is, where the secret is empty or the one in use.
   */
  readonly replace: (secret: Uint8Array, now: Millis) => boolean;
  /** A message as it is to be sent, in two packets while others may not have the new key. */
  readonly seal: (message: Uint8Array, now: Millis) => readonly Uint8Array[];
  /** The message in a packet, as a view of it, if a key that is accepted has sealed it. */
  readonly open: (packet: Uint8Array, now: Millis) => Result<Uint8Array, SealFailure>;
};

type Entry = {
  readonly key: SealKey;
  /** From when on all others have it. */
  readonly knownFrom: Millis;
  /** Until when it is accepted. */
  readonly until: Millis;
};

const always = millis(-Infinity);
const forever = millis(Infinity);

/** A ring with the key of one secret, the content of the file that memberlist's key comes from; it must not be empty. */
export const createKeyRing = (secret: Uint8Array): KeyRing => {
  if (secret.length === 0) throw new RangeError('an empty secret is no key');
  /** The newest last; never empty. */
  let entries: readonly Entry[] = [{ key: deriveSealKey(secret), knownFrom: always, until: forever }];

  const prune = (now: Millis): void => {
    if (entries.length > 1 && entries.some(({ until }) => until <= now))
      entries = entries.filter(({ until }) => until > now);
  };

  return {
    replace: (fresh, now) => {
      if (fresh.length === 0) return false;
      prune(now);
      const key = deriveSealKey(fresh);
      if (entries.at(-1)!.key.id === key.id) return false;
      const known = entries.find((entry) => entry.key.id === key.id);
      const old = entries
        .filter((entry) => entry !== known)
        .map((entry) => ({ ...entry, until: millis(Math.min(entry.until, now + oldKeyLife)) }));
      // A key that comes back is known where it was known.
      const knownFrom = millis(Math.min(known?.knownFrom ?? Infinity, now + newKeySpread));
      entries = [...old, { key, knownFrom, until: forever }].slice(-mostKeys);
      return true;
    },
    seal: (message, now) => {
      prune(now);
      const newest = entries.at(-1)!;
      const packets = [newest.key.seal(message)];
      if (newest.knownFrom > now) {
        const last = entries.findLast(({ knownFrom }) => knownFrom <= now);
        if (last !== undefined) packets.push(last.key.seal(message));
      }
      return packets;
    },
    open: (packet, now) => {
      prune(now);
      const id = sealedKeyId(packet);
      if (id === undefined) return err('malformed');
      const entry = entries.findLast(({ key }) => key.id === id);
      if (entry === undefined) return err('unknownKey');
      return entry.key.hasSealed(packet) ? ok(sealedMessage(packet)) : err('forged');
    },
  };
};
