import type { BeaconInterface, Claim } from './message.ts';

/** Octets of a message that its parts may take together: what is left of 1,400 is for sender and seal. */
const room = 1060;

/** At most what a claim takes. */
export const claimSize = ({ key, successor }: Claim): number =>
  (key.includes(':') ? 34 : 22) + (successor?.length ?? 0);

/** Room for claims in a beacon beside the rest of it; never less than for a few, which the seal's share has room for. */
export const roomForChanges = (interfaces: readonly BeaconInterface[], names: number): number => {
  let taken = 64 + 4 * names;
  for (const { name } of interfaces) taken += 8 + name.length;
  return Math.max(room - taken, 100);
};

/** Cuts claims into pieces that fit into one message each; an empty list is one empty piece. */
export const cutClaims = (claims: Iterable<Claim>, roomEach: number = room): readonly (readonly Claim[])[] => {
  const pieces: Claim[][] = [[]];
  let left = roomEach;
  for (const claim of claims) {
    const size = claimSize(claim);
    if (size > left && pieces.at(-1)!.length > 0) {
      pieces.push([]);
      left = roomEach;
    }
    pieces.at(-1)!.push(claim);
    left -= size;
  }
  return pieces;
};
