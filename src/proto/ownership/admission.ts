import type { Ip } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Epoch, Nonce, OwnershipMessage } from './message.ts';
import { newPeer, type Peer, type Peers } from './peers.ts';
import { challengeInterval } from './timing.ts';

/**
 * Decides whose messages count. An epoch counts once its sender has answered a random challenge; then it takes the place
 * of the epoch that its node had before. So a recorded message of a former start revives nobody.
 */
export type Admission = {
  /** The peer that sent the message, or undefined while it has to prove itself. */
  readonly admit: (interfaceIndex: number | undefined, from: Ip, message: OwnershipMessage) => Peer | undefined;
};

export type AdmissionPorts = {
  /** Where the member of that name is to be, as gossip or the API says. */
  readonly addressOf: (node: string) => Ip | undefined;
  /** A speaker has proven itself; `former`: the epoch that is over with it. */
  readonly onAdmitted: (peer: Peer, former: Peer | undefined) => void;
};

/** An epoch that has been asked for a proof. */
type Applicant = { readonly nonce: Nonce; askedAt: Millis };

/** Of one node: few epochs at a time can be true, the rest is replayed. */
const applicantsAtMost = 4;

/** Makes the admission of one machine. */
export const createAdmission = (context: Context, peers: Peers, ports: AdmissionPorts): Admission => {
  const applicants = new Map<string, Map<Epoch, Applicant>>();
  /** The epoch before the present one, by node, and where it was. */
  const former = new Map<string, { readonly epoch: Epoch; readonly from: Ip | undefined }>();
  /** Second speakers with the name of a living one. */
  const barred = new Map<string, Epoch>();

  const challenge = (interfaceIndex: number | undefined, from: Ip, { node, epoch }: OwnershipMessage): void => {
    const now = context.now();
    const ofNode = applicants.get(node) ?? new Map<Epoch, Applicant>();
    applicants.set(node, ofNode);
    let applicant = ofNode.get(epoch);
    if (applicant !== undefined && now - applicant.askedAt < challengeInterval) return;
    if (applicant === undefined) {
      if (ofNode.size >= applicantsAtMost) for (const oldest of ofNode.keys()) if (ofNode.delete(oldest)) break;
      applicant = { nonce: context.options.random64(), askedAt: now };
      ofNode.set(epoch, applicant);
    }
    applicant.askedAt = now;
    context.send(interfaceIndex, from, { type: 'challenge', nonce: applicant.nonce });
  };

  /** The other epoch of a node speaks again though it was replaced: both live. Says whether the new one may stay. */
  const isRightful = (node: string, epoch: Epoch, from: Ip, present: Peer): boolean => {
    const presentFrom = present.hearings[0]?.from;
    const addresses = [presentFrom, from].filter((address) => address !== undefined);
    context.report({ type: 'duplicateName', node, addresses });
    const stays = ports.addressOf(node) === from && presentFrom !== from;
    barred.set(node, stays ? present.epoch : epoch);
    return stays;
  };

  const accept = (from: Ip, { node, epoch }: OwnershipMessage): Peer | undefined => {
    applicants.delete(node);
    if (node === context.options.node) {
      context.report({ type: 'duplicateName', node, addresses: [from] });
      barred.set(node, epoch);
      return undefined;
    }
    const present = peers.get(node);
    const isBack = present?.life === 'alive' && former.get(node)?.epoch === epoch;
    if (isBack && !isRightful(node, epoch, from, present)) return undefined;
    if (present !== undefined) former.set(node, { epoch: present.epoch, from: present.hearings[0]?.from });
    const peer = newPeer(node, epoch);
    peers.add(peer);
    ports.onAdmitted(peer, present);
    return peer;
  };

  return {
    admit: (interfaceIndex, from, message) => {
      const { node, epoch } = message;
      const present = peers.get(node);
      if (present?.epoch === epoch) return present;
      if (barred.get(node) === epoch && (node === context.options.node || present?.life === 'alive')) return undefined;
      if (message.type === 'challenge') {
        context.send(interfaceIndex, from, { type: 'challengeAnswer', nonce: message.nonce });
      }
      const proof = message.type === 'challengeAnswer' ? message.nonce : undefined;
      if (proof !== undefined && applicants.get(node)?.get(epoch)?.nonce === proof) return accept(from, message);
      challenge(interfaceIndex, from, message);
      return undefined;
    },
  };
};
