declare const brand: unique symbol;

/** A 48-bit Ethernet address (EUI-48) as a number below 2⁴⁸. */
export type Mac = number & { readonly [brand]: 'mac' };

/** ff:ff:ff:ff:ff:ff */
export const broadcastMac = 0xffff_ffff_ffff as Mac;

/** 00:00:00:00:00:00, the target hardware address of a request. */
export const zeroMac = 0 as Mac;

/** As people write it: `02:00:5e:10:00:01`. */
export const formatMac = (mac: Mac): string =>
  mac
    .toString(16)
    .padStart(12, '0')
    .replaceAll(/..(?!$)/g, '$&:');
