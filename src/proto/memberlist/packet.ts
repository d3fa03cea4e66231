import { ByteReader, ByteWriter, DecodeError } from '../../lib/bytes.ts';
import { crc32 } from './checksum.ts';
import { splitCompound } from './compound.ts';
import { type MemberlistKey, open, seal } from './encryption.ts';
import { limits, lzwAlgorithm, MessageType } from './iana.ts';
import { decompressLzw } from './lzw.ts';
import { decodePacketMessage, type PacketMessage } from './message.ts';
import { mapAt, refuse } from './msgpack.ts';

/** With which keys to open what comes in, and whether what is not encrypted is taken, too. */
export type Opening = { readonly keys: readonly MemberlistKey[]; readonly acceptsClear: boolean };

/** Why a packet, or a part of it, was not understood; `key`: none of ours opens it. */
export type PacketProblem = { readonly reason: 'key' | 'checksum' | 'malformed'; readonly detail: string };

/** The messages of a packet that were understood, and the first problem with the rest. */
export type PacketContent = {
  readonly messages: readonly PacketMessage[];
  readonly problem: PacketProblem | undefined;
};

const headerLength = 5;

/** Makes a packet of a message: the checksum first, encryption around it. The nonce must be new. */
export const sealPacket = (
  message: Uint8Array,
  hasChecksum: boolean,
  key: MemberlistKey | undefined,
  nonce: Uint8Array,
): Uint8Array => {
  const checked = hasChecksum
    ? new ByteWriter(headerLength + message.length)
        .u8(MessageType.hasChecksum)
        .u32(crc32(message))
        .octets(message)
        .finish()
    : message;
  return key === undefined ? checked : seal(key, checked, nonce);
};

/** Opens a packet and reads all of its messages. */
export const openPacket = (packet: Uint8Array, { keys, acceptsClear }: Opening): PacketContent => {
  const opened = keys.length === 0 ? undefined : open(keys, packet);
  if (opened === undefined && !acceptsClear) return nothing('key', 'none of our keys opens the packet');
  const plain = opened ?? packet;
  if (plain[0] !== MessageType.hasChecksum || plain.length < headerLength) return contentOf(plain);
  const reader = new ByteReader('memberlist', plain.subarray(1));
  const checksum = reader.u32();
  const message = reader.octets(reader.remaining);
  return checksum === crc32(message) ? contentOf(message) : nothing('checksum', 'the checksum is wrong');
};

const nothing = (reason: PacketProblem['reason'], detail: string): PacketContent => ({
  messages: [],
  problem: { reason, detail },
});

const contentOf = (message: Uint8Array): PacketContent => {
  const messages: PacketMessage[] = [];
  let problem: PacketProblem | undefined;
  let decompressed = 0;
  const complain = (detail: string): void => {
    problem ??= { reason: 'malformed', detail };
  };

  const read = (bytes: Uint8Array, depth: number): void => {
    if (depth > limits.nesting || messages.length >= limits.messages) return complain('too much in one packet');
    if (bytes[0] === MessageType.compound) {
      for (const part of splitCompound(bytes)) attempt(part, depth + 1);
    } else if (bytes[0] === MessageType.compressed) {
      const plain = decompressMessage(bytes, limits.packet - decompressed);
      decompressed += plain.length;
      read(plain, depth + 1);
    } else {
      const decoded = decodePacketMessage(bytes);
      if (decoded.ok) messages.push(decoded.value);
      else complain(decoded.error.message);
    }
  };
  const attempt = (bytes: Uint8Array, depth: number): void => {
    try {
      read(bytes, depth);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      complain(error.message);
    }
  };

  attempt(message, 0);
  return { messages, problem };
};

/** The message inside a compressed one, of at most `limit` octets. Throws `DecodeError`. */
export const decompressMessage = (bytes: Uint8Array, limit: number): Uint8Array => {
  const { fields } = mapAt(bytes, 1);
  const octets = fields.get('Buf');
  if ((fields.get('Algo') ?? lzwAlgorithm) !== lzwAlgorithm) return refuse('the compression is unknown');
  return octets instanceof Uint8Array ? decompressLzw(octets, limit) : refuse('nothing is compressed');
};
