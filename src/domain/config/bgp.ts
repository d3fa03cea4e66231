import type { Ip, IpFamily } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Selector } from '../selector.ts';
import type { Community } from './community.ts';

/** A `BGPPeer` that passed every check, with its references resolved. */
export type BgpPeer = {
  readonly name: string;
  readonly myAsn: number;
  /** Whom to expect: one AS number, any of our own AS, or any of another. */
  readonly remoteAs: number | 'internal' | 'external';
  /** The AS number shown to this peer instead of `myAsn`. */
  readonly localAsn: number | undefined;
  readonly target: { readonly address: Ip } | { readonly interface: string };
  readonly sourceAddress: Ip | undefined;
  readonly port: number;
  /** Undefined: the speaker's own default. Zero: no keepalives at all. */
  readonly timers: { readonly holdTime: Millis; readonly keepaliveTime: Millis } | undefined;
  readonly connectTime: Millis | undefined;
  /** The BGP identifier, an IPv4 address. */
  readonly routerId: Ip | undefined;
  /** OR-ed; empty: every node has a session. */
  readonly nodeSelectors: readonly Selector[];
  readonly password: PeerPassword | undefined;
  readonly bfdProfile: BfdProfile | undefined;
  readonly gracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  /** The Linux VRF of the session; only frr-k8s can serve one. */
  readonly vrf: string | undefined;
  readonly disableMp: boolean;
  /** Both families on the one session, whatever its transport. */
  readonly dualStackAddressFamily: boolean;
};

/** The TCP MD5 password, or the Secret of type `kubernetes.io/basic-auth` in our namespace that holds it. */
export type PeerPassword = { readonly text: string } | { readonly secret: string };

/** A `BFDProfile` that passed every check. */
export type BfdProfile = {
  readonly name: string;
  readonly receiveInterval: Millis;
  readonly transmitInterval: Millis;
  readonly detectMultiplier: number;
  readonly echoInterval: Millis;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  /** The least TTL of a packet that came over several hops. */
  readonly minimumTtl: number;
};

/** A `BGPAdvertisement` that passed every check. */
export type BgpAdvertisement = {
  readonly name: string;
  /** Length of the prefix that is announced for an address. */
  readonly aggregationLength: Readonly<Record<IpFamily, number>>;
  /** LOCAL_PREF for internal peers; 0: none asked for. */
  readonly localPref: number;
  /** Without repetitions, in the order of the object. */
  readonly communities: readonly Community[];
  /** Names of peers, which need not exist; undefined: every peer. */
  readonly peers: ReadonlySet<string> | undefined;
  /** OR-ed; empty: every node announces. */
  readonly nodeSelectors: readonly Selector[];
  /** OR-ed; empty: every service of the pools is announced. */
  readonly serviceSelectors: readonly Selector[];
};
