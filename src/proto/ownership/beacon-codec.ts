import type { ByteReader, ByteWriter } from '../../lib/bytes.ts';
import { claimLength, readClaim, writeClaim } from './claim-codec.ts';
import {
  encodeInterfaceName,
  mustHold,
  type PlannedBody,
  readDuration,
  readInterfaceName,
  readIpv4,
  readIpv6,
  writeDuration,
  writeIp,
} from './fields.ts';
import { BeaconFlag, mostHeard, mostInterfaces } from './iana.ts';
import type { Beacon, BeaconInterface, Claim } from './message.ts';

/** Octets of flags, interval, digest, MAC and the four counts. */
const fixedLength = 1 + 4 + 4 + 6 + (1 + 2 + 2 + 1);

/** What the octet that counts changes can count. */
const mostChanges = 255;

const knownFlags = Object.values(BeaconFlag).reduce((all, flag) => all | flag, 0);

/**
 * Leaves out what does not fit into `room` octets: of interfaces and hashes what is too many, then of changes and hashes
 * so that neither takes more than half of what is left unless the other does not need it.
 */
export const planBeacon = (beacon: Beacon, room: number): PlannedBody => {
  const { ipv4, ipv6 } = beacon;
  mustHold(beacon.interval > 0, 'the interval of a beacon is 0');
  const interfaces = beacon.interfaces.slice(0, mostInterfaces);
  const names = interfaces.map(({ name }) => encodeInterfaceName(name));
  let length = fixedLength + (ipv4 === undefined ? 0 : 4) + (ipv6 === undefined ? 0 : 16);
  for (const name of names) length += 1 + name.length + 6;
  const left = room - length;
  const heardLength = 4 * Math.min(mostHeard, beacon.hears.length + beacon.hearsCopies.length);
  const changes = fittingClaims(beacon.changes, Math.max(left / 2, left - heardLength));
  for (const claim of changes) length += claimLength(claim);
  const heardThatFit = Math.min(mostHeard, Math.floor((room - length) / 4));
  const hears = beacon.hears.slice(0, heardThatFit);
  const hearsCopies = beacon.hearsCopies.slice(0, heardThatFit - hears.length);
  length += 4 * (hears.length + hearsCopies.length);
  const write = (w: ByteWriter): void => {
    w.u8(flagsOf(beacon));
    writeDuration(w, beacon.interval);
    w.u32(beacon.digest).mac(beacon.mac);
    if (ipv4 !== undefined) writeIp(w, ipv4);
    if (ipv6 !== undefined) writeIp(w, ipv6);
    w.u8(interfaces.length);
    for (const [index, { mac }] of interfaces.entries()) w.u8(names[index]!.length).octets(names[index]!).mac(mac);
    for (const hashes of [hears, hearsCopies]) {
      w.u16(hashes.length);
      for (const hash of hashes) w.u32(hash);
    }
    w.u8(changes.length);
    for (const claim of changes) writeClaim(w, claim);
  };
  return { length, write };
};

/** As many claims of the start of a list as fit. */
const fittingClaims = (claims: readonly Claim[], room: number): readonly Claim[] => {
  let left = room;
  let count = 0;
  while (count < Math.min(claims.length, mostChanges)) {
    left -= claimLength(claims[count]!);
    if (left < 0) break;
    count += 1;
  }
  return claims.slice(0, count);
};

const flagsOf = (beacon: Beacon): number =>
  (beacon.isOwner ? BeaconFlag.owner : 0) |
  (beacon.isListening ? BeaconFlag.listening : 0) |
  (beacon.isLeaving ? BeaconFlag.leaving : 0) |
  (beacon.isMainAwake ? BeaconFlag.mainAwake : 0) |
  (beacon.isCopy ? BeaconFlag.copy : 0) |
  (beacon.ipv4 === undefined ? 0 : BeaconFlag.ipv4) |
  (beacon.ipv6 === undefined ? 0 : BeaconFlag.ipv6);

/** Reads the body of a beacon. */
export const readBeacon = (r: ByteReader): Beacon => {
  const flags = r.u8();
  if ((flags & ~knownFlags) !== 0) r.fail(`the flags of a beacon are ${flags}`);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const interval = readDuration(r);
  if (interval === 0) r.fail('the interval of a beacon is 0');
  const digest = r.u32();
  const mac = r.mac();
  const ipv4 = has(BeaconFlag.ipv4) ? readIpv4(r) : undefined;
  const ipv6 = has(BeaconFlag.ipv6) ? readIpv6(r) : undefined;
  const interfaces = readList(r, r.u8(), mostInterfaces, readInterface);
  const hears = readList(r, r.u16(), mostHeard, readHash);
  const hearsCopies = readList(r, r.u16(), mostHeard - hears.length, readHash);
  const changes = readList(r, r.u8(), mostChanges, readClaim);
  return {
    type: 'beacon',
    interval,
    isOwner: has(BeaconFlag.owner),
    isListening: has(BeaconFlag.listening),
    isLeaving: has(BeaconFlag.leaving),
    isMainAwake: has(BeaconFlag.mainAwake),
    isCopy: has(BeaconFlag.copy),
    digest,
    mac,
    ipv4,
    ipv6,
    interfaces,
    hears,
    hearsCopies,
    changes,
  };
};

const readInterface = (r: ByteReader): BeaconInterface => ({ name: readInterfaceName(r), mac: r.mac() });

const readHash = (r: ByteReader): number => r.u32();

const readList = <T>(r: ByteReader, count: number, most: number, read: (r: ByteReader) => T): readonly T[] => {
  if (count > most) r.fail(`a list of ${count}, at most ${most} are allowed`);
  const list: T[] = [];
  for (let at = 0; at < count; at++) list.push(read(r));
  return list;
};
