import { err, ok, type Result } from './result.ts';

declare const brand: unique symbol;

/** A 48-bit Ethernet address (EUI-48) as a number below 2⁴⁸. */
export type Mac = number & { readonly [brand]: 'mac' };

/** ff:ff:ff:ff:ff:ff */
export const broadcastMac = 0xffff_ffff_ffff as Mac;

/** 00:00:00:00:00:00, the target hardware address of a request. */
export const zeroMac = 0 as Mac;

/** Parses `02:42:0a:00:00:01`, in either case. */
export const parseMac = (text: string): Result<Mac> =>
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
    ? ok(Number.parseInt(text.replaceAll(':', ''), 16) as Mac)
    : err(`invalid MAC address "${text}"`);

/** Formats as `02:42:0a:00:00:01`. */
export const formatMac = (mac: Mac): string =>
  mac
    .toString(16)
    .padStart(12, '0')
    .replaceAll(/(..)(?=.)/g, '$1:');
