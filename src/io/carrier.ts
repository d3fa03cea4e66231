import { readFileSync } from 'node:fs';
import { addressOf, Constant, ioctl } from './libc.ts';
import { isSystemError } from './system-error.ts';

/** Whether a link is there, as a command of ethtool (linux/ethtool.h); needs no capability. */
const ETHTOOL_GLINK = 0x0a;

/** Octets that an interface's name may take, its end included (linux/if.h). */
const IFNAMSIZ = 16;

const value = new Uint32Array(2); // struct ethtool_value: the command, the answer
const request = new Uint8Array(40); // struct ifreq: the name, then here the address of the above
new DataView(request.buffer).setBigUint64(IFNAMSIZ, addressOf(new Uint8Array(value.buffer)), true);

/**
 * Asks the driver itself whether the interface has carrier, by any socket of ours: rtnetlink may tell a second later.
 * Undefined where the driver does not say; an interface that is down or has gone has none.
 */
export const hasCarrier = (fd: number, name: string): boolean | undefined => {
  const octets = new TextEncoder().encode(name);
  request.fill(0, 0, IFNAMSIZ);
  request.set(octets.subarray(0, IFNAMSIZ - 1));
  value[0] = ETHTOOL_GLINK;
  try {
    ioctl(fd, Constant.SIOCETHTOOL, request);
    return value[1] !== 0;
  } catch (error) {
    if (isSystemError(error, 'ENODEV', 'ENETDOWN')) return false;
    // The last two: emulators and sandboxes that do not know the call.
    if (isSystemError(error, 'EOPNOTSUPP', 'EPERM', 'ENOSYS', 'ENOTTY')) return undefined;
    throw error;
  }
};

/** How many frames the interface has received since it was made; undefined if it has gone. */
export const receivedFrames = (name: string): number | undefined => {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/statistics/rx_packets`, 'utf8'));
  } catch {
    return undefined; // whatever the reason, nobody counts
  }
};
