import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { type Millis, millis, seconds } from '../../lib/time.ts';

/**
 * Encryption of memberlist: a version, a nonce of 12 octets, AES-256-GCM's cipher text and its tag of 16. Version 1 is
 * sent; version 0, whose plain text is padded to blocks of 16 (PKCS #7), is understood.
 */

const keyLength = 32;
const versionLength = 1;
export const nonceLength = 12;
const tagLength = 16;
const algorithm = 'aes-256-gcm';

/** What encryption adds to a message. */
export const encryptionOverhead = versionLength + nonceLength + tagLength;

/** A key of AES-256. */
export type MemberlistKey = KeyObject;

/**
 * MetalLB's key of a secret: the first 32 octets of the secret followed by the SHA-256 of nothing (it is what Go's
 * `sha256.New().Sum(secret)` gives). The secret's octets count as they are in the file.
 */
export const deriveKey = (secret: Uint8Array): MemberlistKey =>
  createSecretKey(Buffer.concat([secret, hash('sha256', '', 'buffer')]).subarray(0, keyLength));

/** Encrypts under a nonce that was never used with that key. */
export const seal = (
  key: MemberlistKey,
  plain: Uint8Array,
  nonce: Uint8Array,
  additional: Uint8Array = new Uint8Array(),
): Uint8Array => {
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(additional);
  const sealed = new Uint8Array(plain.length + encryptionOverhead);
  sealed[0] = 1;
  sealed.set(nonce, versionLength);
  sealed.set(cipher.update(plain), versionLength + nonceLength);
  cipher.final(); // a counter mode leaves nothing for the end
  sealed.set(cipher.getAuthTag(), sealed.length - tagLength);
  return sealed;
};

/** Decrypts with the first of the keys that fits; undefined when none does, or the octets are no such message. */
export const open = (
  keys: readonly MemberlistKey[],
  sealed: Uint8Array,
  additional: Uint8Array = new Uint8Array(),
): Uint8Array | undefined => {
  const version = sealed[0];
  if (sealed.length < encryptionOverhead || version === undefined || version > 1) return undefined;
  const nonce = sealed.subarray(versionLength, versionLength + nonceLength);
  const text = sealed.subarray(versionLength + nonceLength, sealed.length - tagLength);
  const tag = sealed.subarray(sealed.length - tagLength);
  for (const key of keys) {
    const decipher = createDecipheriv(algorithm, key, nonce);
    decipher.setAAD(additional);
    decipher.setAuthTag(tag);
    const plain = decipher.update(text);
    try {
      decipher.final();
    } catch {
      continue; // another key's
    }
    return version === 0 ? withoutPadding(plain) : plain;
  }
  return undefined;
};

/** The text without its padding, whose last octet says how long it is. */
const withoutPadding = (padded: Uint8Array): Uint8Array | undefined => {
  const length = padded.at(-1) ?? 0;
  return length === 0 || length > padded.length ? undefined : padded.subarray(0, padded.length - length);
};

/** How long a new key is only accepted: until every speaker has the mounted secret's new content. */
const sendingDelay = seconds(180);

/** How long the key before a new one is still accepted. */
const acceptance = seconds(600);

/** The keys in use; undefined stands for clear text, before a key is set. */
export type KeyRing = {
  readonly entries: readonly { readonly key: MemberlistKey | undefined; readonly since: Millis }[];
};

/** A ring of one key, in use at once. */
export const keyRing = (key: MemberlistKey | undefined): KeyRing => ({
  entries: [{ key, since: millis(Number.NEGATIVE_INFINITY) }],
});

/** Adds a key, accepted from now on. The newest key again changes nothing. */
export const withKey = (ring: KeyRing, key: MemberlistKey, now: Millis): KeyRing => {
  const isSame = (other: MemberlistKey | undefined): boolean => other?.equals(key) ?? false;
  if (isSame(ring.entries.at(-1)?.key)) return ring;
  const kept = accepted(ring, now).filter((entry) => !isSame(entry.key));
  return { entries: [...kept.slice(-maxOldKeys), { key, since: now }] };
};

/** Keys that a ring holds beside the newest. */
const maxOldKeys = 3;

/** The key to send with: the newest that every speaker has by now. */
export const sendingKey = (ring: KeyRing, now: Millis): MemberlistKey | undefined =>
  (ring.entries.findLast(({ since }) => since + sendingDelay <= now) ?? ring.entries[0])?.key;

const accepted = (ring: KeyRing, now: Millis): KeyRing['entries'] => {
  const newest = ring.entries.at(-1);
  return newest !== undefined && newest.since + acceptance <= now ? [newest] : ring.entries;
};

/** The keys to open with, the newest first, and whether clear text is taken in. */
export const acceptedKeys = (
  ring: KeyRing,
  now: Millis,
): { readonly keys: readonly MemberlistKey[]; readonly acceptsClear: boolean } => {
  const entries = accepted(ring, now);
  const keys = entries.map(({ key }) => key).filter((key) => key !== undefined);
  return { keys: keys.toReversed(), acceptsClear: keys.length < entries.length };
};
