import { type Millis, millis, seconds } from '../../lib/time.ts';

/** Shortest interval of an owner's beacons. */
const ownerInterval = millis(50);

/** How many beacons a second all owners of a segment send together, and as many for those that own nothing. */
const ownersRate = 800;
const idleRate = 200;

/** Interval of a speaker that owns nothing. */
const idleInterval = seconds(1);

/** Time between two beacons of an owner, of so many, or of one of so many speakers that own nothing. */
export const beaconInterval = (isOwner: boolean, ofSuch: number): Millis =>
  isOwner
    ? millis(Math.max(ownerInterval, (1000 * ofSuch) / ownersRate))
    : millis(Math.max(idleInterval, (1000 * ofSuch) / idleRate));

/** How many copies a second one speaker sends, whatever their number. */
const copyRate = 200;

/** Copies for single receivers count as beacons; they get slower with their number, first down to one a second. */
export const copyInterval = (interval: Millis, owners: number, copies: number): Millis =>
  millis(Math.max(interval, Math.min(idleInterval, (1000 * owners * copies) / ownersRate), (1000 * copies) / copyRate));

/** After so many intervals without a beacon its sender is suspect. */
export const silentIntervals = 3;

/** Up to so many where the gaps of that peer say that more is usual with it. */
export const silentIntervalsAtMost = 9;

/** How long an observed gap widens what is allowed: between one and two of these. */
export const gapMemory = seconds(30);

/** A step may be late by this much without being taken for starvation. */
export const punctual = millis(5);

/** How long answers about a suspect are waited for. */
export const diagnosisTime = millis(60);

/** How much longer one whose host answers may be silent. */
export const patienceTime = millis(450);

/** Linux says "port unreachable" to one asker once a second. */
export const diagnosisInterval = seconds(1);

/** How often an owner is told that it is not heard on a segment, while it is on another. */
export const unheardInterval = millis(250);

/** How long each living candidate further down waits before it takes over from the dead. */
export const rankWait = millis(40);

/** The same for a group that nobody has claimed yet: the first may not know the group yet. */
export const firstRankWait = millis(250);

/** A candidate claims from an owner that is none any more after it had this long to hand over. */
export const overdueWait = seconds(2);

/** How long a speaker that starts listens, if it does not know all claims before. */
export const startListening = seconds(1);

/** The main thread is taken for hung after this. */
export const mainSilence = seconds(5);

/** Who has yielded a group does not claim it again for this long, unless its owner dies. */
export const yieldedHold = seconds(10);

/** How long "released" is said. */
export const releasedTime = seconds(60);

/** How long a successor has to claim before the next one is asked, and until all are asked again. */
export const successorWait = millis(150);
export const moveRetry = seconds(2);

/** How long a group that is no longer ordered here is offered before it is let go. */
export const removalTime = seconds(1);

/** How long addresses that have gone to another group are answered in the old one, if nobody says that it does. */
export const passingTime = seconds(5);

/** Between the two last beacons of a speaker that leaves. */
export const farewellPause = millis(20);

/** A member that gossip knows is reported after so much silence. */
export const unheardMemberTime = seconds(10);

/** Between beacons to a member of which nothing is heard, and before the first. */
export const unheardCopyInterval = seconds(1);
export const unheardCopyDelay = millis(200);

/** So many peers are asked for a sign when this speaker doubts whether it hears anything. */
export const askedPeers = 3;

/** A segment without a peer is looked at again after this. */
export const inspectInterval = seconds(1);

/** How long the others have to name a speaker that appears on a segment, before it believes that it cannot send there. */
export const namingGrace = millis(1500);

/** Probes before the first announcement: how many, and the pause after each. */
export const probeCount = 3;
export const probePause = millis(60);

/** When an address that another host has is probed again: at first, and at most. */
export const conflictRetry = seconds(10);
export const conflictRetryAtMost = seconds(300);

/** An address is defended at most so often (RFC 5227 section 2.4: DEFEND_INTERVAL). */
export const defendInterval = seconds(10);

/** A conflict is over when the other host was not seen for this long. */
export const conflictMemory = seconds(60);

/** An epoch that has to prove itself is asked at most so often. */
export const challengeInterval = millis(40);

/** Repeats of a question about claims, and how long digests may differ before the first. */
export const claimsRetry = millis(300);
export const digestPatience = millis(100);

/** A peer of which nothing was heard for this long is forgotten. */
export const peerMemory = seconds(600);

/**
 * Who did not run for longer than this may have been replaced: the shortest time in which others give up a speaker whose
 * host still answers. After a shorter pause the next beacon settles it.
 */
export const sleepTime = millis(silentIntervals * ownerInterval + diagnosisTime + patienceTime);
