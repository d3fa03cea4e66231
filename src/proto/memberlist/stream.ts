import { ByteWriter, DecodeError, decoding } from '../../lib/bytes.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { encryptionOverhead, type MemberlistKey, open, seal } from './encryption.ts';
import { limits, MessageType } from './iana.ts';
import { decodeStreamMessage, pushPullHeader, type StreamMessage } from './message.ts';
import { mapAt, valueEnd } from './msgpack.ts';
import { decompressMessage, type Opening } from './packet.ts';

/** A stream carries one message in each direction. */

/** Type and length in front of an encrypted message; they are authenticated with it. */
const headerLength = 5;

/** Makes what goes over a stream of a message. The nonce must be new. */
export const sealStream = (message: Uint8Array, key: MemberlistKey | undefined, nonce: Uint8Array): Uint8Array => {
  if (key === undefined) return message;
  const header = new ByteWriter(headerLength)
    .u8(MessageType.encrypted)
    .u32(message.length + encryptionOverhead)
    .finish();
  return Buffer.concat([header, seal(key, message, nonce, header)]);
};

/** Opens the octets of a whole message and reads it; the error is what the library tells the other side. */
export const openStream = (frame: Uint8Array, { keys, acceptsClear }: Opening): Result<StreamMessage> => {
  let plain = frame;
  if (frame[0] === MessageType.encrypted) {
    if (keys.length === 0) return err('Remote state is encrypted and encryption is not configured');
    const opened = open(keys, frame.subarray(headerLength), frame.subarray(0, headerLength));
    if (opened === undefined) return err('No installed keys could decrypt the message');
    plain = opened;
  } else if (!acceptsClear) return err('Encryption is configured but remote state is not encrypted');
  const message = decoding('memberlist', plain, () =>
    plain[0] === MessageType.compressed ? decompressMessage(plain, limits.streamDecompressed) : plain,
  );
  if (!message.ok) return err(message.error.message);
  const decoded = decodeStreamMessage(message.value);
  return decoded.ok ? decoded : err(decoded.error.message);
};

/** Collects the chunks of a stream. */
export type StreamFramer = {
  /** Takes a chunk; gives the whole message once it is there, undefined before. An error ends the stream. */
  readonly push: (chunk: Uint8Array) => Result<Uint8Array | undefined, DecodeError>;
  /** Octets held. */
  readonly size: () => number;
};

/**
 * Makes the framer of one stream. What follows the message is ignored; where clear text is not accepted, its first octet
 * is taken for the whole, because it is refused anyway.
 */
export const createStreamFramer = (acceptsClear: boolean): StreamFramer => {
  let buffer = new Uint8Array();
  let size = 0;
  /** Octets that must be there before it is worth looking again. */
  let wanted = 1;
  const clear = clearMessage();
  const append = (chunk: Uint8Array): void => {
    if (size + chunk.length > buffer.length) {
      const grown = new Uint8Array(Math.max(size + chunk.length, 2 * buffer.length));
      grown.set(buffer.subarray(0, size));
      buffer = grown;
    }
    buffer.set(chunk, size);
    size += chunk.length;
  };
  const measure = (bytes: Uint8Array): Measure => {
    if (bytes[0] === MessageType.encrypted) return encryptedLength(bytes);
    return acceptsClear ? clear.measure(bytes) : { length: 1, isWhole: true };
  };
  return {
    push: (chunk) => {
      append(chunk);
      if (size < wanted) return ok(undefined);
      const bytes = buffer.subarray(0, size);
      const step = decoding('memberlist', bytes, () => measure(bytes));
      if (!step.ok) return step;
      if (step.value.isWhole && step.value.length <= size) return ok(bytes.subarray(0, step.value.length));
      wanted = step.value.length;
      if (wanted > limits.stream) {
        return err(new DecodeError('memberlist', `a message of more than ${limits.stream} octets on a stream`));
      }
      return ok(undefined);
    },
    size: () => size,
  };
};

/** The length of a message, or of how much of it must be there to say more. */
type Measure = { readonly length: number; readonly isWhole: boolean };

const encryptedLength = (bytes: Uint8Array): Measure => {
  if (bytes.length < headerLength) return { length: headerLength, isWhole: false };
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  return { length: headerLength + length, isWhole: true };
};

/** Finds the end of a message that no length stands in front of; goes on where it last stopped. */
const clearMessage = (): { readonly measure: (bytes: Uint8Array) => Measure } => {
  /** Where the next msgpack value starts. */
  let at = 1;
  /** Values to come; of a push/pull it is known after the first. */
  let values = 1;
  let isHeaderRead = false;
  let userStateLength = 0;
  return {
    measure: (bytes) => {
      if (bytes[0] === MessageType.user) return { length: 1, isWhole: true };
      while (values > 0) {
        const end = valueEnd(bytes, at);
        if (end === undefined) return { length: bytes.length + 1, isWhole: false };
        values -= 1;
        if (bytes[0] === MessageType.pushPull && !isHeaderRead) {
          isHeaderRead = true;
          const header = pushPullHeader(mapAt(bytes, at));
          values = header.count;
          ({ userStateLength } = header);
        }
        at = end;
      }
      return { length: at + userStateLength, isWhole: true };
    },
  };
};
