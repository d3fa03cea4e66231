import type { Mac } from './mac.ts';
import { err, ok, type Result } from './result.ts';

/** Why octets could not be decoded. `protocol` names the codec, for logs and counters. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly protocol: string;

  constructor(protocol: string, message: string) {
    super(`${protocol}: ${message}`);
    this.protocol = protocol;
  }
}

/** Reads big-endian fields one after the other; a read past the end throws `DecodeError`. */
export class ByteReader {
  readonly #protocol: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(protocol: string, bytes: Uint8Array) {
    this.#protocol = protocol;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Octets not read yet. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** As `u16`, the least octet first. */
  u16le(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  /** As `u32`, the least octet first. */
  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Six octets as a number below 2⁴⁸. */
  mac(): Mac {
    const high = this.u16();
    return (high * 0x1_0000_0000 + this.u32()) as Mac;
  }

  /** The next `length` octets, as a view on the same memory. */
  octets(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Refuses the packet unless every named field has the value it must have. */
  expect<T extends Record<string, number>>(actual: T, wanted: T): void {
    for (const field of Object.keys(wanted)) {
      if (actual[field] !== wanted[field]) this.fail(`${field} is ${actual[field]}, not ${wanted[field]}`);
    }
  }

  /** Ends the decoding with an error. */
  fail(message: string): never {
    throw new DecodeError(this.#protocol, message);
  }

  #take(length: number): number {
    if (length < 0) this.fail(`a length at offset ${this.#offset} is too small`);
    if (this.remaining < length) this.fail(`needs ${length} octets at offset ${this.#offset}, has ${this.remaining}`);
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}

/** The one door of a decoder: turns what the reader throws into a `Result`. */
export const decoding = <T>(
  protocol: string,
  bytes: Uint8Array,
  read: (reader: ByteReader) => T,
): Result<T, DecodeError> => {
  try {
    return ok(read(new ByteReader(protocol, bytes)));
  } catch (error) {
    if (error instanceof DecodeError) return err(error);
    throw error;
  }
};

/** Writes big-endian fields into a buffer of the size given at the start. */
export class ByteWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#advance(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#advance(2), value);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#advance(4), value);
    return this;
  }

  u64(value: bigint): this {
    this.#view.setBigUint64(this.#advance(8), value);
    return this;
  }

  /** As `u16`, the least octet first. */
  u16le(value: number): this {
    this.#view.setUint16(this.#advance(2), value, true);
    return this;
  }

  /** As `u32`, the least octet first. */
  u32le(value: number): this {
    this.#view.setUint32(this.#advance(4), value, true);
    return this;
  }

  mac(value: Mac): this {
    return this.u16(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000);
  }

  octets(value: Uint8Array): this {
    this.#bytes.set(value, this.#advance(value.byteLength));
    return this;
  }

  /** The octets written so far; the rest of the buffer is left out. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#offset);
  }

  #advance(length: number): number {
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}
