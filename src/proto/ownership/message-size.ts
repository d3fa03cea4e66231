import { claimLength } from './claim-codec.ts';
import type { BeaconInterface, Claim } from './message.ts';

/** Octets of a message that its parts may take together: what is left of 1,400 is for sender and seal. */
const room = 1060;

/** What is left of a beacon beside its fixed part and its interfaces. */
const roomBeside = (interfaces: readonly BeaconInterface[]): number => {
  let taken = 64;
  for (const { name } of interfaces) taken += 8 + name.length;
  return room - taken;
};

/** Room that a beacon keeps for claims, however many names there are. */
const leastForChanges = 100;

/** How many names of who is heard a beacon has room for. */
export const roomForNames = (interfaces: readonly BeaconInterface[]): number =>
  Math.max(16, Math.min(256, Math.floor((roomBeside(interfaces) - leastForChanges) / 4)));

/** Room for claims in a beacon beside so many names. */
export const roomForChanges = (interfaces: readonly BeaconInterface[], names: number): number =>
  Math.max(roomBeside(interfaces) - 4 * names, leastForChanges);

/** Cuts claims into pieces that fit into so much room each; no claims are one empty piece. */
export const cutClaims = (claims: Iterable<Claim>, roomEach: number): readonly (readonly Claim[])[] => {
  const pieces: Claim[][] = [[]];
  let left = roomEach;
  for (const claim of claims) {
    const size = claimLength(claim);
    if (size > left && pieces.at(-1)!.length > 0) {
      pieces.push([]);
      left = roomEach;
    }
    pieces.at(-1)!.push(claim);
    left -= size;
  }
  return pieces;
};
