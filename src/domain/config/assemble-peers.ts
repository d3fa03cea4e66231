import type { BgpType } from '../../lib/bgp-type.ts';
import type { Selector } from '../selector.ts';
import type { BfdProfile, BgpPeer } from './bgp.ts';
import { type Claim, type ConflictIndex, conflictIndex, type Scope } from './conflict-index.ts';
import type { Report } from './custom-resource.ts';
import type { UnresolvedPeer } from './read-bgp-peer.ts';

/** A peer that passed its own checks, and whom to tell about it. */
export type ReadPeer = { readonly peer: UnresolvedPeer; readonly report: Report };

export type PeerSurroundings = {
  readonly profiles: ReadonlyMap<string, BfdProfile>;
  readonly bgpType: BgpType;
  readonly scopeOf: (selectors: readonly Selector[]) => Scope;
  /** A peer whose profile does not exist stays, without one: the profile may be the next thing to be created. */
  readonly passOverMissing: boolean;
};

/** Looks up profiles and compares the peers, the oldest first; gives those that can be in force. */
export const assemblePeers = (
  read: readonly ReadPeer[],
  { profiles, bgpType, scopeOf, passOverMissing }: PeerSurroundings,
): readonly BgpPeer[] => {
  const index = conflictIndex<Clash>();
  return read.flatMap(({ peer: { bfdProfileName, ...peer }, report }) => {
    const { name, vrf } = peer;
    const bfdProfile = bfdProfileName === undefined ? undefined : profiles.get(bfdProfileName);
    if (bfdProfileName !== undefined && bfdProfile === undefined) {
      const cause = `peer ${name} referencing non existing bfd profile ${bfdProfileName}`;
      report('UnknownBfdProfile', 'spec.bfdProfile', cause, leftOut);
      if (!passOverMissing) return [];
    }
    if (bgpType !== 'frr-k8s') {
      if (vrf === undefined) return [{ ...peer, bfdProfile }];
      const cause = `sessions in a VRF ("${vrf}") need FRR, which METALLB_BGP_TYPE=frr-k8s makes use of`;
      report('NeedsFrr', 'spec.vrf', cause, leftOut);
      return [];
    }
    const claims = frrClaims(peer, scopeOf(peer.nodeSelectors));
    const clash = findClash(claims, index);
    if (clash !== undefined) {
      const { claim, other } = clash;
      report('Conflict', claim.owner.field, claim.owner.cause(other.id), `${leftOut}, as "${other.name}" is older`);
      return [];
    }
    for (const claim of claims) index.add(claim);
    return [{ ...peer, bfdProfile }];
  });
};

const leftOut = 'the peer is left out';

/** What a peer has to agree about with the others, and what is to be said if it does not. */
type Clash = {
  readonly name: string;
  readonly id: string;
  readonly field: string;
  readonly cause: (otherId: string) => string;
};

/** On one node FRR has one router ID, one AS number in each VRF, and one neighbour of an address. */
const frrClaims = (
  { name, target, vrf, routerId, myAsn }: Omit<BgpPeer, 'bfdProfile'>,
  nodes: Scope,
): readonly Claim<Clash>[] => {
  const base = 'address' in target ? target.address : target.interface;
  const id = vrf === undefined ? base : `${base}-${vrf}`;
  const claim = (subject: string, value: string | number, field: string, cause: Clash['cause']): Claim<Clash> => ({
    subject,
    nodes,
    peers: undefined,
    value,
    owner: { name, id, field, cause },
  });
  return [
    claim(
      'routerID',
      routerId ?? '',
      'spec.routerID',
      (other) =>
        `peer ${id} has RouterID different from ${other}, in FRR mode peers selecting the same node must all have the ` +
        'same RouterID',
    ),
    claim(
      `id ${id}`,
      name,
      'address' in target ? 'spec.peerAddress' : 'spec.interface',
      () => `peer ${id} already exists, FRR mode doesn't support duplicate BGPPeers selecting the same node`,
    ),
    claim(
      `asn ${vrf ?? ''}`,
      myAsn,
      'spec.myASN',
      (other) =>
        `peer ${id} has myAsn different from ${other}, in FRR mode peers selecting the same node must have the same ` +
        'myAsn within the same VRF',
    ),
  ];
};

const findClash = (
  claims: readonly Claim<Clash>[],
  index: ConflictIndex<Clash>,
): { readonly claim: Claim<Clash>; readonly other: Clash } | undefined => {
  for (const claim of claims) {
    const other = index.find(claim);
    if (other !== undefined) return { claim, other };
  }
  return undefined;
};
