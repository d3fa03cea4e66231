import { nextHeaderIcmpv6 } from './iana.ts';

/**
 * What is missing to a sum of ones over an ICMPv6 message and its pseudo-header (RFC 4443 section 2.3, RFC 8200 section
 * 8.1): the checksum where its field is 0, and 0 where it is right. `at` is where the 32 octets of source and destination
 * stand, the message follows them and is `length` octets long, a multiple of 4.
 */
export const icmpv6Checksum = (frame: DataView, at: number, length: number): number => {
  let sum = length + nextHeaderIcmpv6;
  const end = at + 32 + length;
  for (let word = at; word < end; word += 4) sum += frame.getUint32(word);
  // 2¹⁶ is 1 modulo 2¹⁶ − 1, so this adds up the halves of all words and every carry. No such sum is 0.
  return (0xffff - (sum % 0xffff)) % 0xffff;
};
