import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { authenticatorLength, keyIdLength, longestSealed } from './iana.ts';

// A sealed message: key id (4 octets, in the clear), message, authenticator (16 octets) over both.

/** What the derived keys are for: whoever has one of them can neither read memberlist's messages nor forge these. */
const label = 'metallb-ts beacon 1';

/** What can go wrong with a sealed message. */
export type SealFailure =
  /** Sealed with a key that is none of ours. */
  | 'unknownKey'
  /** It names a key of ours and was not sealed with it, or was changed. */
  | 'forged'
  /** Too short or too long to be a message. */
  | 'malformed';

/** A key that seals messages. */
export type SealKey = {
  /** Tells keys from each other, and nothing about them. */
  readonly id: number;
  /** A message with key id in front and authenticator behind. */
  readonly seal: (message: Uint8Array) => Uint8Array;
  /** Whether a sealed message was sealed with this key, in a time that does not tell how much of it is right. */
  readonly hasSealed: (sealed: Uint8Array) => boolean;
};

/** The key that a sealed message names; undefined where its length is not that of a message. */
export const sealedKeyId = (sealed: Uint8Array): number | undefined => {
  if (sealed.length <= keyIdLength + authenticatorLength || sealed.length > longestSealed) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
};

/** The message in a sealed one, as a view of it. */
export const sealedMessage = (sealed: Uint8Array): Uint8Array =>
  sealed.subarray(keyIdLength, sealed.length - authenticatorLength);

/** The key that all who share `secret` derive from it; it must not be empty. The secret itself is not kept. */
export const deriveSealKey = (secret: Uint8Array): SealKey => {
  const derive = (purpose: string): Uint8Array => createHmac('sha256', secret).update(purpose).digest();
  const idOctets = derive(`${label} id`).subarray(0, keyIdLength);
  const authenticate = createAuthenticator(derive(label));
  return {
    id: new DataView(idOctets.buffer, idOctets.byteOffset).getUint32(0),
    seal: (message) => {
      const covered = keyIdLength + message.length;
      const sealed = new Uint8Array(covered + authenticatorLength);
      sealed.set(idOctets);
      sealed.set(message, keyIdLength);
      sealed.set(authenticate(sealed.subarray(0, covered)), covered);
      return sealed;
    },
    hasSealed: (sealed) => {
      const covered = sealed.length - authenticatorLength;
      return timingSafeEqual(authenticate(sealed.subarray(0, covered)), sealed.subarray(covered));
    },
  };
};

/** Octets that SHA-256 takes at once, and gives. */
const blockLength = 64;
const hashLength = 32;

/**
 * HMAC-SHA-256 (RFC 2104) with a key of 32 octets, cut to 16 octets (section 5) that the next call overwrites. Made of two
 * hashes in one call each: a third of the time of `createHmac`, which makes objects for every message.
 */
const createAuthenticator = (key: Uint8Array): ((octets: Uint8Array) => Uint8Array) => {
  const inner = new Uint8Array(blockLength + longestSealed).fill(0x36, 0, blockLength);
  const outer = new Uint8Array(blockLength + hashLength).fill(0x5c, 0, blockLength);
  for (const [at, octet] of key.entries()) {
    inner[at]! ^= octet;
    outer[at]! ^= octet;
  }
  const authenticator = new Uint8Array(authenticatorLength);
  return (octets) => {
    inner.set(octets, blockLength);
    // As text, each character an octet, because a string is cheaper to make than a buffer.
    const innerHash = hash('sha256', inner.subarray(0, blockLength + octets.length), 'latin1');
    for (let at = 0; at < hashLength; at++) outer[blockLength + at] = innerHash.charCodeAt(at);
    const outerHash = hash('sha256', outer, 'latin1');
    for (let at = 0; at < authenticatorLength; at++) authenticator[at] = outerHash.charCodeAt(at);
    return authenticator;
  };
};
