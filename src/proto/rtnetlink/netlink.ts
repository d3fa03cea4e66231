import { ByteReader, ByteWriter, decoding, type DecodeError } from '../../lib/bytes.ts';
import type { Result } from '../../lib/result.ts';
import { NetlinkFlag, NetlinkMessageType } from './iana.ts';

// Netlink (RFC 3549 section 2.3) speaks in the byte order of the host; both architectures we run on are little-endian.

/** What ends or spoils a dump. `sequence` is that of the request, `errno` is positive. */
export type DumpMessage =
  /** Objects changed while they were dumped, so that some may be missing. */
  | { readonly type: 'interrupted'; readonly sequence: number }
  /** The answer to a dump is complete, or ends here if `errno` is not 0. */
  | { readonly type: 'done'; readonly sequence: number; readonly errno: number }
  /** A request failed; 0 is an acknowledgement. */
  | { readonly type: 'error'; readonly sequence: number; readonly errno: number };

const headerLength = 16;
const attributeHeaderLength = 4;

/** A request for all objects that `type` gets; `body` is what it asks for in particular. */
export const encodeDumpRequest = (type: number, sequence: number, body: Uint8Array): Uint8Array => {
  const length = headerLength + body.length;
  return new ByteWriter(length)
    .u32le(length)
    .u16le(type)
    .u16le(NetlinkFlag.request | NetlinkFlag.dump)
    .u32le(sequence)
    .u32le(0) // from whom: the kernel knows
    .octets(body)
    .finish();
};

/** Decodes one datagram, which holds any number of messages; `readBody` makes of a body what it says, if anything. */
export const decodeNetlink = <T>(
  bytes: Uint8Array,
  readBody: (type: number, r: ByteReader) => readonly T[],
): Result<readonly (T | DumpMessage)[], DecodeError> =>
  decoding('rtnetlink', bytes, (r) => {
    const messages: (T | DumpMessage)[] = [];
    while (r.remaining > 0) {
      const length = r.u32le();
      const type = r.u16le();
      const flags = r.u16le();
      const sequence = r.u32le();
      r.u32le(); // to whom
      const body = readAligned(r, length, headerLength);
      if ((flags & NetlinkFlag.dumpInterrupted) !== 0) messages.push({ type: 'interrupted', sequence });
      const message = readDumpMessage(type, sequence, body);
      messages.push(...(message === undefined ? readBody(type, body) : [message]));
    }
    return messages;
  });

/** Hands over what is left of a message as attributes. */
export const readAttributes = (r: ByteReader, onAttribute: (type: number, value: ByteReader) => void): void => {
  while (r.remaining >= attributeHeaderLength) {
    const length = r.u16le();
    const type = r.u16le();
    onAttribute(type, readAligned(r, length, attributeHeaderLength));
  }
};

const readDumpMessage = (type: number, sequence: number, r: ByteReader): DumpMessage | undefined => {
  switch (type) {
    case NetlinkMessageType.done:
      return { type: 'done', sequence, errno: r.remaining === 0 ? 0 : readErrno(r) };
    case NetlinkMessageType.error:
      return { type: 'error', sequence, errno: readErrno(r) };
    default:
      return undefined;
  }
};

/** The rest of something `length` octets long whose header has been read, and the octets after it up to a whole word. */
const readAligned = (r: ByteReader, length: number, header: number): ByteReader => {
  const body = new ByteReader('rtnetlink', r.octets(length - header));
  r.octets(Math.min(r.remaining, -length & 3));
  return body;
};

/** A negative number of 32 bits, as a positive one. */
const readErrno = (r: ByteReader): number => -r.u32le() | 0;
