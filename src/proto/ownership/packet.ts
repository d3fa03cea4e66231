import { type ByteReader, ByteWriter, decoding, type DecodeError } from '../../lib/bytes.ts';
import type { Result } from '../../lib/result.ts';
import { planBeacon, readBeacon } from './beacon-codec.ts';
import { claimLength, readClaim, writeClaim } from './claim-codec.ts';
import {
  durationLength,
  mustHold,
  nodeNameLength,
  type PlannedBody,
  readDuration,
  readNodeName,
  writeDuration,
  writeNodeName,
} from './fields.ts';
import { longestMessage, MessageCode, mostParts, ownershipVersion } from './iana.ts';
import type { Claim, OwnershipBody, OwnershipMessage, Sender } from './message.ts';

// A message, big-endian: version (1 octet), code (1), epoch (8), sequence (6), name of the node (1, then as many), body.

/** Octets of a message before its body. */
const headerLength = (node: string): number => 1 + 1 + 8 + 6 + nodeNameLength(node);

/** Octets of the body of `claims` before the claims themselves. */
const claimsHeaderLength = 4 + 2 + 2 + 2;

/**
 * The octets of a message, at most `longestMessage`. A beacon loses what does not fit. Throws `RangeError` for what no
 * receiver would take, such as more claims than `claimsParts` puts together.
 */
export const encodeOwnershipMessage = (message: OwnershipMessage): Uint8Array => {
  const { node, epoch, sequence } = message;
  const header = headerLength(node);
  const body = planBody(message, longestMessage - header);
  const length = header + body.length;
  mustHold(length <= longestMessage, `${length} octets of ${message.type}`);
  mustHold(Number.isSafeInteger(sequence) && sequence >= 0 && sequence < 2 ** 48, `the sequence number ${sequence}`);
  const w = new ByteWriter(length).u8(ownershipVersion).u8(MessageCode[message.type]).u64(epoch);
  w.u16(Math.floor(sequence / 2 ** 32)).u32(sequence % 2 ** 32);
  writeNodeName(w, node);
  body.write(w);
  return w.finish();
};

/** Decodes one message, which fills `bytes`. Keeps no view of them. */
export const decodeOwnershipMessage = (bytes: Uint8Array): Result<OwnershipMessage, DecodeError> =>
  decoding('ownership', bytes, (r) => {
    if (bytes.length > longestMessage) r.fail(`a message of ${bytes.length} octets`);
    r.expect({ version: r.u8() }, { version: ownershipVersion });
    const code = r.u8();
    const epoch = r.u64();
    const sequence = r.u16() * 2 ** 32 + r.u32();
    const sender: Sender = { node: readNodeName(r), epoch, sequence };
    const body = readBody(code, r);
    if (r.remaining > 0) r.fail(`${r.remaining} octets behind the message`);
    return { ...sender, ...body };
  });

/** A list of claims in as few messages of a node as hold it; one even if it is empty. `digest` is over all of them. */
export const claimsParts = (
  node: string,
  claims: readonly Claim[],
  digest: number,
): readonly Extract<OwnershipBody, { readonly type: 'claims' }>[] => {
  const room = longestMessage - headerLength(node) - claimsHeaderLength;
  const lists: Claim[][] = [[]];
  let left = room;
  for (const claim of claims) {
    left -= claimLength(claim);
    if (left < 0) {
      lists.push([]);
      left = room - claimLength(claim);
    }
    lists.at(-1)!.push(claim);
  }
  return lists.map((list, part) => ({ type: 'claims', digest, part, parts: lists.length, claims: list }));
};

const nonceLength = 8;

/** What is to be written of a body, and how many octets it takes; `room` is there. */
const planBody = (body: OwnershipBody, room: number): PlannedBody => {
  switch (body.type) {
    case 'beacon':
      return planBeacon(body, room);
    case 'claimsWanted':
      return { length: 0, write: () => {} };
    case 'claims':
      return planClaims(body);
    case 'challenge':
    case 'challengeAnswer':
      return { length: nonceLength, write: (w) => w.u64(body.nonce) };
    case 'whoHears':
      return {
        length: nodeNameLength(body.sought) + nonceLength,
        write: (w) => {
          writeNodeName(w, body.sought);
          w.u64(body.nonce);
        },
      };
    case 'heard':
      return {
        length: nodeNameLength(body.sought) + nonceLength + durationLength,
        write: (w) => {
          writeNodeName(w, body.sought);
          w.u64(body.nonce);
          writeDuration(w, body.since);
        },
      };
    default:
      return { length: 6, write: (w) => w.mac(body.mac) }; // unheard
  }
};

const planClaims = ({ digest, part, parts, claims }: Extract<OwnershipBody, { type: 'claims' }>): PlannedBody => ({
  length: claims.reduce((length, claim) => length + claimLength(claim), claimsHeaderLength),
  write: (w) => {
    mustHold(parts <= mostParts && part >= 0 && part < parts, `part ${part} of ${parts}`);
    w.u32(digest).u16(part).u16(parts).u16(claims.length);
    for (const claim of claims) writeClaim(w, claim);
  },
});

const readBody = (code: number, r: ByteReader): OwnershipBody => {
  switch (code) {
    case MessageCode.beacon:
      return readBeacon(r);
    case MessageCode.claimsWanted:
      return { type: 'claimsWanted' };
    case MessageCode.claims:
      return readClaims(r);
    case MessageCode.challenge:
      return { type: 'challenge', nonce: r.u64() };
    case MessageCode.challengeAnswer:
      return { type: 'challengeAnswer', nonce: r.u64() };
    case MessageCode.whoHears:
      return { type: 'whoHears', sought: readNodeName(r), nonce: r.u64() };
    case MessageCode.heard:
      return { type: 'heard', sought: readNodeName(r), nonce: r.u64(), since: readDuration(r) };
    case MessageCode.unheard:
      return { type: 'unheard', mac: r.mac() };
    default:
      return r.fail(`the code of a message is ${code}`);
  }
};

const readClaims = (r: ByteReader): OwnershipBody => {
  const digest = r.u32();
  const part = r.u16();
  const parts = r.u16();
  if (parts > mostParts || part >= parts) r.fail(`part ${part} of ${parts}`);
  const count = r.u16();
  const claims: Claim[] = [];
  for (let at = 0; at < count; at++) claims.push(readClaim(r));
  return { type: 'claims', digest, part, parts, claims };
};
