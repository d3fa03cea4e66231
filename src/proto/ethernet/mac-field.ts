import { type Mac, zeroMac } from '../../lib/mac.ts';

/** The six octets of a frame at `at` as an address. */
export const macAt = (frame: DataView, at: number): Mac =>
  (frame.getUint16(at) * 0x1_0000_0000 + frame.getUint32(at + 2)) as Mac;

/** Writes an address into the six octets of a frame at `at`. */
export const writeMac = (frame: DataView, at: number, mac: Mac): void => {
  frame.setUint16(at, mac / 0x1_0000_0000);
  frame.setUint32(at + 2, mac % 0x1_0000_0000);
};

/** Whether an address can be that of a host: neither zero nor a group (the lowest bit of the first octet). */
export const isHostMac = (mac: Mac): boolean => mac !== zeroMac && Math.floor(mac / 0x100_0000_0000) % 2 === 0;
