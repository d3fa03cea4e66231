/**
 * A text that comes in chunks. Its octets are kept as they came and decoded when it is complete, since a chunk may end
 * inside a character.
 */
export class UnfinishedText {
  #parts: Uint8Array[] = [];

  /** Keeps octets that are not the last of the text; they must not change until `complete`. */
  add(octets: Uint8Array): void {
    this.#parts.push(octets);
  }

  /** The text that ends with `last`; the next one begins after it. */
  complete(last: Uint8Array): string {
    const whole = this.#parts.length === 0 ? asBuffer(last) : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return whole.toString('utf8');
  }
}

/** The same octets, not a copy. */
export const asBuffer = (octets: Uint8Array): Buffer =>
  Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
