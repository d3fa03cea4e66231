import { firstByHash } from '../../lib/hash-rank.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import { claimHash } from './digest.ts';
import type { Claim } from './message.ts';
import { lastHeard, type Peer } from './peers.ts';

/** Why nobody owns a group any more: its owner died, or is there no more to own it (started again, left, gave up). */
export type Orphaning = 'crash' | 'orphaned';

/** What is known of the ownership of one group. */
export type Ownable = {
  readonly key: Ip;
  /** The highest number ever claimed; 0 if none was. */
  highest: number;
  readonly claimants: Peer[];
  /** The living peer, or this speaker, whose claim stands. */
  owner: Peer | undefined;
  /** Set while there is no owner any more, but was one. */
  orphan: { readonly how: Orphaning; readonly lastSign: number } | undefined;
  /** An owner has answered for it, so that nobody has to ask any more whether another host has the addresses. */
  isProven: boolean;
  /** Nobody claims the group by an order that is not newer than this; and the number that said so. */
  releasedRevision: number;
  releasedNumber: number;
  /** An order of ours speaks of it. */
  isOrdered: boolean;
};

/** All claims that are known, this speaker's own among them. */
export type Claims = {
  readonly get: (key: Ip) => Ownable | undefined;
  readonly getOrMake: (key: Ip) => Ownable;
  /** Takes a claim of a peer; false if it was known. */
  readonly put: (peer: Peer, claim: Claim) => boolean;
  /** All claims of a peer at once: what it does not name, it has no more. */
  readonly replaceAll: (peer: Peer, claims: readonly Claim[]) => void;
  /** The peer has no claims any more. */
  readonly voidAll: (peer: Peer) => void;
  /** Looks at all claims of a peer again, after it died or came back. */
  readonly review: (peer: Peer, how: Orphaning) => void;
  /** Forgets a group that is neither ordered nor claimed. */
  readonly tidy: (key: Ip) => void;
};

export type ClaimPorts = {
  /** The owner, or its claim, has changed. */
  readonly onChanged: (ownable: Ownable) => void;
  /** A peer claims what another owns, and loses. */
  readonly onContested: (ownable: Ownable) => void;
};

/** Whether a claim is one to own a group. */
export const isOwning = ({ state }: Claim): boolean => state === 'held' || state === 'probing' || state === 'yielding';

/** Makes the table of claims of one machine. */
export const createClaims = (context: Context, ports: ClaimPorts): Claims => {
  const table = new Map<Ip, Ownable>();

  const getOrMake = (key: Ip): Ownable => {
    let ownable = table.get(key);
    if (ownable === undefined) {
      ownable = {
        key,
        highest: 0,
        claimants: [],
        owner: undefined,
        orphan: undefined,
        isProven: false,
        releasedRevision: 0,
        releasedNumber: 0,
        isOrdered: false,
      };
      table.set(key, ownable);
    }
    return ownable;
  };

  const tidy = (key: Ip): void => {
    const ownable = table.get(key);
    if (ownable !== undefined && !ownable.isOrdered && ownable.claimants.length === 0) table.delete(key);
  };

  const ownerOf = ({ key, claimants }: Ownable): Peer | undefined => {
    let best: Peer | undefined;
    let bestNumber = 0;
    for (const peer of claimants) {
      const claim = peer.claims.get(key)!;
      if (peer.life !== 'alive' || !isOwning(claim) || claim.number < bestNumber) continue;
      const isFirst =
        best === undefined || claim.number > bestNumber || firstByHash(peer.node, best.node, key) === peer.node;
      if (isFirst) best = peer;
      bestNumber = claim.number;
    }
    return best;
  };

  /** Finds the owner anew after something changed. */
  const settle = (ownable: Ownable, how: Orphaning | 'released'): void => {
    const before = ownable.owner;
    const owner = ownerOf(ownable);
    ownable.owner = owner;
    if (owner !== undefined || how === 'released') ownable.orphan = undefined;
    else if (before !== undefined) ownable.orphan = { how, lastSign: lastHeard(before) };
    if (owner !== before) {
      const { node, epoch } = owner ?? { node: undefined, epoch: 0n };
      context.report({ type: 'owner', key: ownable.key, node, epoch });
    }
    ports.onChanged(ownable);
    tidy(ownable.key);
  };

  const put: Claims['put'] = (peer, claim) => {
    const known = peer.claims.get(claim.key);
    if (claim.state === 'dropped') {
      if (known === undefined) return false;
      remove(peer, known, 'orphaned');
      return true;
    }
    const isSame =
      known !== undefined &&
      known.number === claim.number &&
      known.state === claim.state &&
      known.successor === claim.successor;
    if (isSame) return false;
    const ownable = getOrMake(claim.key);
    peer.digest = (peer.digest - (known === undefined ? 0 : claimHash(known)) + claimHash(claim)) >>> 0;
    peer.claims.set(claim.key, claim);
    if (known === undefined) ownable.claimants.push(peer);
    ownable.highest = Math.max(ownable.highest, claim.number);
    if (claim.state === 'held' || claim.state === 'yielding') ownable.isProven = true;
    if (claim.state === 'released') {
      ownable.isProven = false;
      ownable.releasedRevision = Math.max(ownable.releasedRevision, claim.revision);
      ownable.releasedNumber = Math.max(ownable.releasedNumber, claim.number);
    }
    settle(ownable, claim.state === 'released' ? 'released' : 'orphaned');
    if (isOwning(claim) && ownable.owner !== peer && known?.number !== claim.number) ports.onContested(ownable);
    return true;
  };

  const remove = (peer: Peer, claim: Claim, how: Orphaning): void => {
    const ownable = table.get(claim.key)!;
    peer.claims.delete(claim.key);
    peer.digest = (peer.digest - claimHash(claim)) >>> 0;
    ownable.claimants.splice(ownable.claimants.indexOf(peer), 1);
    if (isOwning(claim)) settle(ownable, how);
    else tidy(claim.key);
  };

  return {
    get: (key) => table.get(key),
    getOrMake,
    put,
    replaceAll: (peer, claims) => {
      const named = new Set(claims.map(({ key }) => key));
      for (const claim of [...peer.claims.values()]) if (!named.has(claim.key)) remove(peer, claim, 'orphaned');
      for (const claim of claims) put(peer, claim);
    },
    voidAll: (peer) => {
      for (const claim of [...peer.claims.values()]) remove(peer, claim, 'orphaned');
    },
    review: (peer, how) => {
      for (const key of [...peer.claims.keys()]) {
        const ownable = table.get(key)!;
        const wasOwner = ownable.owner === peer;
        settle(ownable, how);
        if (peer.life === 'alive' && !wasOwner && ownable.owner !== peer) ports.onContested(ownable);
      }
    },
    tidy,
  };
};

/** Since when an orphan has been without a sign of its owner, in milliseconds of the awake clock. */
export const silenceOf = (context: Context, { orphan }: Ownable): Millis | undefined =>
  orphan?.how === 'crash' ? ((context.awake() - orphan.lastSign) as Millis) : undefined;
