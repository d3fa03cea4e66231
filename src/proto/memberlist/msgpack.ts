import { ByteWriter, DecodeError } from '../../lib/bytes.ts';

/**
 * The part of msgpack that memberlist speaks: maps whose keys are names of fields. Text and octets are both written as
 * "raw", the form of msgpack before 2013, and come in as octets; integers take the shortest form.
 */

/** A value of a field: octets stand for text as well; undefined for nil, and for what no field of memberlist holds. */
export type MsgpackValue = number | boolean | Uint8Array | undefined;

/** A decoded map, and the offset of what follows it. */
export type MsgpackMap = { readonly fields: ReadonlyMap<string, MsgpackValue>; readonly end: number };

/** Refuses octets as no msgpack of memberlist. */
export const refuse = (message: string): never => {
  throw new DecodeError('memberlist', message);
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The octets of a text. */
export const octetsOf = (text: string): Uint8Array => encoder.encode(text);

/** The text of octets; refuses what is no UTF-8. */
export const textOf = (octets: Uint8Array): string => {
  try {
    return decoder.decode(octets);
  } catch {
    return refuse('a text is no UTF-8');
  }
};

/** Values in one message; a node's state has 15. */
const maxValues = 1024;

/** One value without its children: where it ends, and how many values follow as its parts. */
type Head = { readonly end: number; readonly children: number; readonly value: MsgpackValue; readonly isMap: boolean };

/** Widths of what follows the types 0xcc to 0xd3. */
const integerWidths = [1, 2, 4, 8, 1, 2, 4, 8];

/** Octets of 0xc4 to 0xc9 and 0xd9 to 0xdf that hold a length, by type. */
const lengthWidths: Readonly<Record<number, number>> = {
  0xc4: 1, // bin
  0xc5: 2,
  0xc6: 4,
  0xc7: 1, // ext, whose length does not count its type
  0xc8: 2,
  0xc9: 4,
  0xd9: 1, // str8, and the two that are as old as raw
  0xda: 2,
  0xdb: 4,
  0xdc: 2, // array
  0xdd: 4,
  0xde: 2, // map
  0xdf: 4,
};

/** Reads the head of the value at `at`; undefined when octets are missing. */
const headAt = (bytes: Uint8Array, at: number): Head | undefined => {
  const type = bytes[at];
  if (type === undefined) return undefined;
  const scalar = (value: MsgpackValue, end = at + 1): Head | undefined =>
    end > bytes.length ? undefined : { end, children: 0, value, isMap: false };
  const octets = (start: number, length: number): Head | undefined =>
    scalar(bytes.subarray(start, start + length), start + length);
  if (type <= 0x7f) return scalar(type);
  if (type >= 0xe0) return scalar(type - 0x100);
  if (type <= 0x8f) return { end: at + 1, children: 2 * (type & 0x0f), value: undefined, isMap: true };
  if (type <= 0x9f) return { end: at + 1, children: type & 0x0f, value: undefined, isMap: false };
  if (type <= 0xbf) return octets(at + 1, type & 0x1f);
  if (type === 0xc0) return scalar(undefined);
  if (type === 0xc2 || type === 0xc3) return scalar(type === 0xc3);
  if (type === 0xca || type === 0xcb) return scalar(undefined, at + (type === 0xca ? 5 : 9)); // floats
  if (type >= 0xcc && type <= 0xd3) {
    const end = at + 1 + integerWidths[type - 0xcc]!;
    return end > bytes.length ? undefined : scalar(integerAt(bytes, at), end);
  }
  if (type >= 0xd4 && type <= 0xd8) return scalar(undefined, at + 2 + 2 ** (type - 0xd4)); // ext of fixed length
  const width = lengthWidths[type];
  if (width === undefined) return refuse(`0x${type.toString(16)} is no msgpack`);
  const start = at + 1 + width;
  if (start > bytes.length) return undefined;
  let length = 0;
  for (let i = at + 1; i < start; i++) length = length * 256 + bytes[i]!;
  if (type >= 0xdc) {
    const isMap = type >= 0xde;
    return { end: start, children: isMap ? 2 * length : length, value: undefined, isMap };
  }
  return type >= 0xc7 && type <= 0xc9 ? scalar(undefined, start + 1 + length) : octets(start, length);
};

/** The integer of the types 0xcc to 0xd3, all of whose octets are there. */
const integerAt = (bytes: Uint8Array, at: number): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at + 1);
  switch (bytes[at]) {
    case 0xcc:
      return view.getUint8(0);
    case 0xcd:
      return view.getUint16(0);
    case 0xce:
      return view.getUint32(0);
    case 0xcf:
      return Number(view.getBigUint64(0));
    case 0xd0:
      return view.getInt8(0);
    case 0xd1:
      return view.getInt16(0);
    case 0xd2:
      return view.getInt32(0);
    default:
      return Number(view.getBigInt64(0));
  }
};

/** Where the value that starts at `start` ends; undefined when octets are missing. Throws `DecodeError`. */
export const valueEnd = (bytes: Uint8Array, start: number): number | undefined => {
  let at = start;
  let values = 0;
  for (let pending = 1; pending > 0; pending--) {
    const head = headAt(bytes, at);
    if (head === undefined) return undefined;
    values += 1 + head.children;
    if (values > maxValues) return refuse('too many values in one message');
    pending += head.children;
    at = head.end;
  }
  return at;
};

/** Reads the map at `start`. Throws `DecodeError`. */
export const mapAt = (bytes: Uint8Array, start: number): MsgpackMap => {
  const end = valueEnd(bytes, start) ?? refuse('the message is cut off');
  const map = headAt(bytes, start)!;
  if (!map.isMap) return refuse('the message is no map');
  const fields = new Map<string, MsgpackValue>();
  let at = map.end;
  for (let i = 0; i < map.children; i += 2) {
    const key = headAt(bytes, at)!;
    if (!(key.value instanceof Uint8Array)) return refuse('a key is no text');
    const value = headAt(bytes, key.end)!;
    fields.set(textOf(key.value), value.value);
    at = value.children === 0 ? value.end : valueEnd(bytes, key.end)!;
  }
  return { fields, end };
};

/** A field to write; undefined is written as nil. */
export type MsgpackField = readonly [name: string, value: number | boolean | string | Uint8Array | undefined];

/** Writes a map of at most 15 fields, in the order given, behind the octet `prefix` if there is one. */
export const encodeMap = (fields: readonly MsgpackField[], prefix?: number): Uint8Array => {
  const parts = fields.map(([name, value]) => ({
    name: octetsOf(name),
    value: typeof value === 'string' ? octetsOf(value) : value,
  }));
  const longest = parts.reduce(
    (sum, { name, value }) => sum + 10 + name.length + (value instanceof Uint8Array ? value.length : 0),
    2,
  );
  const writer = new ByteWriter(longest);
  if (prefix !== undefined) writer.u8(prefix);
  writer.u8(0x80 | parts.length);
  for (const { name, value } of parts) {
    writeRaw(writer, name);
    if (value === undefined) writer.u8(0xc0);
    else if (typeof value === 'boolean') writer.u8(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') writeInteger(writer, value);
    else writeRaw(writer, value);
  }
  return writer.finish();
};

/** An integer of 0 and up, below 2³². */
const writeInteger = (writer: ByteWriter, value: number): void => {
  if (value < 0x80) writer.u8(value);
  else if (value < 0x100) writer.u8(0xcc).u8(value);
  else if (value < 0x1_0000) writer.u8(0xcd).u16(value);
  else writer.u8(0xce).u32(value);
};

const writeRaw = (writer: ByteWriter, octets: Uint8Array): void => {
  if (octets.length < 32) writer.u8(0xa0 | octets.length);
  else if (octets.length < 0x1_0000) writer.u8(0xda).u16(octets.length);
  else writer.u8(0xdb).u32(octets.length);
  writer.octets(octets);
};
