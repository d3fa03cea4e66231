import type { ByteReader, ByteWriter } from '../../lib/bytes.ts';
import { familyOf } from '../../lib/ip.ts';
import {
  ipLength,
  mustHold,
  nodeNameLength,
  readIpv4,
  readIpv6,
  readNodeName,
  writeIp,
  writeNodeName,
} from './fields.ts';
import { ClaimCode, ClaimFlag } from './iana.ts';
import type { Claim } from './message.ts';

const stateMask = 0x07;

/** The state with a code. */
const states = new Map<number, Claim['state']>(
  Object.entries(ClaimCode).map(([state, code]) => [code, state as Claim['state']]),
);

const knownBits = stateMask | ClaimFlag.ipv6 | ClaimFlag.successor | ClaimFlag.revision;

/** Octets of a claim. */
export const claimLength = ({ key, successor, revision }: Claim): number =>
  1 + ipLength(key) + 4 + (successor === undefined ? 0 : nodeNameLength(successor)) + (revision === 0 ? 0 : 8);

/** Writes a claim. */
export const writeClaim = (w: ByteWriter, { key, number, state, successor, revision }: Claim): void => {
  mustHold(Number.isInteger(number) && number >= 1 && number < 2 ** 32, `the claim of ${key} has the number ${number}`);
  mustHold(Number.isSafeInteger(revision) && revision >= 0, `the claim of ${key} has the revision ${revision}`);
  let first: number = ClaimCode[state];
  if (familyOf(key) === 'IPv6') first |= ClaimFlag.ipv6;
  if (successor !== undefined) first |= ClaimFlag.successor;
  if (revision !== 0) first |= ClaimFlag.revision;
  w.u8(first);
  writeIp(w, key);
  w.u32(number);
  if (successor !== undefined) writeNodeName(w, successor);
  if (revision !== 0) w.u64(BigInt(revision));
};

/** Reads a claim. */
export const readClaim = (r: ByteReader): Claim => {
  const first = r.u8();
  const state = states.get(first & stateMask) ?? r.fail(`the state of a claim is ${first & stateMask}`);
  if ((first & ~knownBits) !== 0) r.fail(`the flags of a claim are ${first}`);
  const key = (first & ClaimFlag.ipv6) === 0 ? readIpv4(r) : readIpv6(r);
  const number = r.u32();
  if (number === 0) r.fail(`the claim of ${key} has the number 0`);
  const successor = (first & ClaimFlag.successor) === 0 ? undefined : readNodeName(r);
  return { key, number, state, successor, revision: (first & ClaimFlag.revision) === 0 ? 0 : readRevision(r) };
};

const readRevision = (r: ByteReader): number => {
  const revision = r.u64();
  if (revision === 0n || revision > BigInt(Number.MAX_SAFE_INTEGER)) r.fail(`a revision is ${revision}`);
  return Number(revision);
};
