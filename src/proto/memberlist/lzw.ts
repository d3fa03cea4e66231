import { refuse } from './msgpack.ts';

/**
 * LZW as Go's `compress/lzw` writes it with the least significant bit first and literals of 8 bits (the GIF variant):
 * codes of 9 to 12 bits, 256 clears the table, 257 ends.
 */

const clearCode = 256;
const endCode = 257;
const firstWidth = 9;
const maxWidth = 12;
const none = -1;

/** Decompresses; more than `limit` octets are refused. Throws `DecodeError`. */
export const decompressLzw = (input: Uint8Array, limit: number): Uint8Array => {
  const prefix = new Uint16Array(1 << maxWidth);
  const suffix = new Uint8Array(1 << maxWidth);
  const expansion = new Uint8Array(1 << maxWidth);
  let output = new Uint8Array(Math.min(limit, 4 * input.length + 64));
  let length = 0;
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  let width = firstWidth;
  let high = endCode; // the highest code in the table
  let last = none; // the code before, if there was one since the table was cleared
  for (;;) {
    while (bitCount < width) {
      if (at >= input.length) return refuse('compressed octets are cut off');
      bits |= input[at]! << bitCount;
      at += 1;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === endCode) return output.subarray(0, length);
    if (code === clearCode) {
      width = firstWidth;
      high = endCode;
      last = none;
      continue;
    }
    if (code > high) return refuse('compressed octets have an unknown code');
    // The expansion is found back to front. A code that is only about to be defined is the last one with its own first.
    let from = expansion.length;
    let link = code;
    if (code === high && last !== none && code > endCode) {
      link = last;
      from -= 1;
    }
    while (link > endCode) {
      from -= 1;
      expansion[from] = suffix[link]!;
      link = prefix[link]!;
    }
    from -= 1;
    expansion[from] = link;
    if (code === high && last !== none && code > endCode) expansion[expansion.length - 1] = link;
    if (last !== none) {
      suffix[high] = link;
      prefix[high] = last;
    }
    const size = expansion.length - from;
    if (length + size > limit) return refuse(`more than ${limit} octets decompressed`);
    if (length + size > output.length) {
      const grown = new Uint8Array(Math.min(limit, 2 * (length + size)));
      grown.set(output.subarray(0, length));
      output = grown;
    }
    output.set(expansion.subarray(from), length);
    length += size;
    last = code;
    high += 1;
    if (high >= 1 << width) {
      if (width === maxWidth) {
        last = none;
        high -= 1;
      } else width += 1;
    }
  }
};
