import { ByteReader, ByteWriter } from '../../lib/bytes.ts';
import { MessageType } from './iana.ts';

/** What a compound message takes beside its parts: type and count, and a length for each part. */
export const compoundOverhead = { header: 2, part: 2 } as const;

/** The most parts of one compound message: the count is one octet. */
export const maxParts = 255;

/** Joins up to 255 messages into one; a single one stays as it is. */
export const joinMessages = (parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce<number>(
    (sum, part) => sum + compoundOverhead.part + part.length,
    compoundOverhead.header,
  );
  const writer = new ByteWriter(length).u8(MessageType.compound).u8(parts.length);
  for (const part of parts) writer.u16(part.length);
  for (const part of parts) writer.octets(part);
  return writer.finish();
};

/** The parts of a compound message, its type included; those that are cut off are left out. Throws `DecodeError`. */
export const splitCompound = (bytes: Uint8Array): readonly Uint8Array[] => {
  const reader = new ByteReader('memberlist', bytes.subarray(1));
  const lengths = Array.from({ length: reader.u8() }, () => reader.u16());
  const parts: Uint8Array[] = [];
  for (const length of lengths) {
    if (length > reader.remaining) break;
    parts.push(reader.octets(length));
  }
  return parts;
};
