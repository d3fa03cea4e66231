/** CRC-32 of IEEE 802.3, reflected, one octet at a time. */

const polynomial = 0xedb8_8320;

const table = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
  return value;
});

/** The checksum of octets, as an unsigned number. */
export const crc32 = (octets: Uint8Array): number => {
  let value = 0xffff_ffff;
  for (const octet of octets) value = (value >>> 8) ^ table[(value ^ octet) & 0xff]!;
  return ~value >>> 0;
};
