/**
 * IPv6 addresses as canonical text (RFC 5952: lower case, the first longest run of two or more zero groups compressed).
 * By hand because it is asked for each address of each decision, and a general parser takes ten times as long.
 */

const colon = 0x3a;

/** The number of an address in canonical text; what other text gives means nothing. */
export const ipv6ToNumber = (text: string): bigint => {
  const groups: number[] = [];
  let compressedAt = 0;
  let group = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== colon) group = (group < 0 ? 0 : group) * 16 + (code < colon ? code - 0x30 : code - 0x57);
    else if (group < 0) compressedAt = groups.length;
    else {
      groups.push(group);
      group = -1;
    }
  }
  if (group >= 0) groups.push(group);
  const zeros = 8 - groups.length;
  /** Two groups, the first being the n-th of eight. */
  const word = (n: number): number => {
    const at = (i: number): number =>
      (i < compressedAt ? groups[i] : i < compressedAt + zeros ? 0 : groups[i - zeros])!;
    return at(n) * 0x1_0000 + at(n + 1);
  };
  const high = (BigInt(word(0)) << 32n) | BigInt(word(2));
  return (high << 64n) | (BigInt(word(4)) << 32n) | BigInt(word(6));
};

/** The canonical text of the address with that number. */
export const ipv6FromNumber = (value: bigint): string => {
  const groups: number[] = [];
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const word = Number((value >> shift) & 0xffff_ffffn);
    groups.push(word >>> 16, word & 0xffff);
  }
  let zerosFrom = 8;
  let zeros = 1;
  for (let from = 0; from < 8; from++) {
    const start = from;
    while (groups[from] === 0) from++;
    if (from - start > zeros) [zerosFrom, zeros] = [start, from - start];
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === zerosFrom) {
      text += '::';
      i += zeros - 1;
    } else {
      text += i === 0 || i === zerosFrom + zeros ? groups[i]!.toString(16) : `:${groups[i]!.toString(16)}`;
    }
  }
  return text;
};
