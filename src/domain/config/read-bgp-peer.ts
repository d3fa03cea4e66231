import type * as z from 'zod/mini';
import { formatDuration, parseDuration } from '../../lib/go-duration.ts';
import { familyOf, type Ip, parseIp } from '../../lib/ip.ts';
import { type Millis, millis, seconds } from '../../lib/time.ts';
import { bgpPeerSpec } from '../resources/bgp-peer.ts';
import type { BgpPeer, PeerPassword } from './bgp.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';
import { readSelectors } from './read-selectors.ts';

type Spec = z.output<typeof bgpPeerSpec>;

/** A peer before its profile is looked up. */
export type UnresolvedPeer = Omit<BgpPeer, 'bfdProfile'> & { readonly bfdProfileName: string | undefined };

/** Takes note of a fault of `spec.<field>`; any fault leaves the peer out. */
type Refuse = (field: string, cause: string) => undefined;

/** Reads one `BGPPeer` (v1beta2); undefined when it cannot be in force: see the reports. */
export const readBgpPeer = (resource: CustomResource, report: Report): UnresolvedPeer | undefined => {
  const spec = parseSpec(bgpPeerSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name } = resource.metadata;
  let isSound = true;
  const refuse: Refuse = (field, cause) => {
    isSound = false;
    report('InvalidPeer', `spec.${field}`, cause, 'the peer is left out');
  };

  if (spec.myASN === 0) refuse('myASN', 'missing local ASN');
  const remoteAs = readRemoteAs(spec, refuse);
  if (spec.ebgpMultiHop === true && spec.peerASN === spec.myASN) {
    refuse('ebgpMultiHop', 'invalid ebgp-multihop parameter set for an ibgp peer');
  }
  const target = readTarget(spec, refuse);
  const routerId = readAddress(spec.routerID, 'routerID', 'invalid router ID', refuse);
  if (routerId !== undefined && (familyOf(routerId) === 'IPv6' || routerId === '0.0.0.0')) {
    refuse('routerID', `invalid router ID "${routerId}": it must be an IPv4 address other than 0.0.0.0`);
  }
  const sourceAddress = readAddress(spec.sourceAddress, 'sourceAddress', 'invalid source IP', refuse);
  const timers = readTimers(spec, refuse);
  const connectTime = readConnectTime(spec.connectTime, refuse);
  const nodeSelectors = readSelectors(
    spec.nodeSelectors ?? [],
    'nodeSelectors',
    `failed to convert peer ${name} node selector`,
    report,
  );
  const password = readPassword(resource, spec, refuse);
  if (!isSound || remoteAs === undefined || target === undefined) return undefined;
  return {
    name,
    myAsn: spec.myASN,
    remoteAs,
    localAsn: spec.localASN,
    target,
    sourceAddress,
    port: spec.peerPort,
    timers,
    connectTime,
    routerId,
    nodeSelectors,
    password,
    bfdProfileName: spec.bfdProfile || undefined,
    gracefulRestart: spec.enableGracefulRestart ?? false,
    ebgpMultiHop: spec.ebgpMultiHop ?? false,
    vrf: spec.vrf || undefined,
    disableMp: spec.disableMP,
    dualStackAddressFamily: spec.dualStackAddressFamily,
  };
};

const readRemoteAs = ({ peerASN = 0, dynamicASN = '' }: Spec, refuse: Refuse): BgpPeer['remoteAs'] | undefined => {
  if (peerASN === 0 && dynamicASN === '') return refuse('peerASN', 'missing peer ASN and dynamicASN');
  if (peerASN !== 0 && dynamicASN !== '') return refuse('dynamicASN', 'both peer ASN and dynamicASN specified');
  if (peerASN !== 0) return peerASN;
  if (dynamicASN === 'internal' || dynamicASN === 'external') return dynamicASN;
  return refuse('dynamicASN', `invalid dynamicASN ${dynamicASN}`);
};

const readTarget = (spec: Spec, refuse: Refuse): BgpPeer['target'] | undefined => {
  if (!spec.peerAddress) {
    return spec.interface
      ? { interface: spec.interface }
      : refuse('peerAddress', 'peer has no Address or Interface specified');
  }
  if (spec.interface) return refuse('interface', 'peer has both Address and Interface specified');
  const address = readAddress(spec.peerAddress, 'peerAddress', 'invalid BGPPeer address', refuse);
  return address && { address };
};

const readAddress = (text: string | undefined, field: string, errorPrefix: string, refuse: Refuse): Ip | undefined => {
  if (!text) return undefined;
  const address = parseIp(text);
  return address.ok ? address.value : refuse(field, `${errorPrefix} "${text}"`);
};

/** The hold time has 16 bits in an OPEN message (RFC 4271 section 4.2). */
const longestHoldTime = seconds(65_535);

/** What is missing of the two follows from the other: the hold time is three times the keepalive time. */
const readTimers = (spec: Spec, refuse: Refuse): BgpPeer['timers'] => {
  const hold = readDuration(spec.holdTime, 'holdTime', refuse);
  const keepalive = readDuration(spec.keepaliveTime, 'keepaliveTime', refuse);
  if (hold === null || keepalive === null) return undefined;
  if (hold === undefined && keepalive === undefined) return undefined;
  const holdTime = hold ?? millis((keepalive ?? 0) * 3);
  const keepaliveTime = keepalive ?? millis(holdTime / 3);
  const field = hold === undefined ? 'keepaliveTime' : 'holdTime';
  const wholeSeconds = Math.trunc(holdTime / 1000);
  if (wholeSeconds !== 0 && wholeSeconds < 3) {
    return refuse(field, `invalid BGPPeer timers: invalid hold time "${formatDuration(holdTime)}": must be 0 or >=3s`);
  }
  if (holdTime > longestHoldTime) {
    return refuse(
      field,
      `invalid BGPPeer timers: invalid hold time "${formatDuration(holdTime)}": must not be more than 65535s`,
    );
  }
  if (keepaliveTime > holdTime || keepaliveTime < 0) {
    return refuse(
      'keepaliveTime',
      `invalid BGPPeer timers: invalid keepaliveTime "${formatDuration(keepaliveTime)}", ` +
        `must be lower than holdTime "${formatDuration(holdTime)}"`,
    );
  }
  return { holdTime, keepaliveTime };
};

/** Null when the text is no duration. */
const readDuration = (text: string | undefined, field: string, refuse: Refuse): Millis | undefined | null => {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration.ok) return duration.value;
  refuse(field, `invalid BGPPeer timers: time: invalid duration "${text}"`);
  return null;
};

const readConnectTime = (text: string | undefined, refuse: Refuse): Millis | undefined => {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (!duration.ok) return refuse('connectTime', `time: invalid duration "${text}"`);
  const { value } = duration;
  if (value < 1000 || value > 65_535_000) {
    return refuse('connectTime', 'connect time should be between 1 seconds to 65535');
  }
  return value % 1000 === 0 ? value : refuse('connectTime', 'connect time should contain a whole number of seconds');
};

const readPassword = (
  { metadata: { namespace, name } }: CustomResource,
  { password, passwordSecret }: Spec,
  refuse: Refuse,
): PeerPassword | undefined => {
  const secret = passwordSecret?.name;
  if (password && secret) {
    return refuse(
      'passwordSecret',
      `can not have both password and secret ref set in peer config "${namespace}"/"${name}"`,
    );
  }
  return password ? { text: password } : secret ? { secret } : undefined;
};
