import { parseDuration } from '../../lib/go-duration.ts';
import { parseIp } from '../../lib/ip.ts';
import { type LabelSelector, parseSelector } from '../selector.ts';
import { type Item, type MapReader, type Note, openMap } from './map-reader.ts';
import { withoutAbsent } from './without-absent.ts';

const asn = { min: 0, max: 0xffff_ffff };
const port = { min: 0, max: 0xffff };
const defaultHoldTime = '90s';

/** Reads an entry of `peers` into the spec of a `BGPPeer`; undefined if anything is wrong with it. `number` from 1. */
export const readPeer = (item: Item, number: number, note: Note): object | undefined => {
  const peer = openMap(item, note);
  if (peer === undefined) return undefined;
  const faultAt = (path: string, message: string): void => peer.fault(path, `parsing peer #${number}: ${message}`);
  const fault = (key: string, message: string): void => faultAt(peer.at(key), message);
  const address = (key: string, message: string): string | undefined => {
    const text = peer.text(key);
    if (text !== undefined && !parseIp(text).ok) fault(key, `${message} ${JSON.stringify(text)}`);
    return text;
  };

  const myASN = peer.integer('my-asn', asn) ?? 0;
  const peerASN = peer.integer('peer-asn', asn) ?? 0;
  if (myASN === 0) fault('my-asn', 'missing local ASN');
  if (peerASN === 0) fault('peer-asn', 'missing peer ASN');
  const peerAddress = address('peer-address', 'invalid peer IP');
  if (peerAddress === undefined) fault('peer-address', 'invalid peer IP ""');
  const ebgpMultiHop = peer.truth('ebgp-multihop');
  if (ebgpMultiHop === true && myASN === peerASN) {
    fault('ebgp-multihop', 'invalid ebgp-multihop parameter set for an ibgp peer');
  }
  const spec = {
    myASN,
    peerASN,
    peerAddress,
    sourceAddress: address('source-address', 'invalid source IP'),
    // 0 is the zero of Go: the default.
    peerPort: peer.integer('peer-port', port) || undefined,
    ...readTimers(peer, fault),
    routerID: address('router-id', 'invalid router ID'),
    nodeSelectors: readNodeSelectors(peer, faultAt),
    password: peer.text('password'),
    bfdProfile: peer.text('bfd-profile'),
    ebgpMultiHop: ebgpMultiHop || undefined,
  };
  return peer.end() ? withoutAbsent(spec) : undefined;
};

const readTimers = (
  peer: MapReader,
  fault: (key: string, message: string) => void,
): { readonly holdTime: string; readonly keepaliveTime: string | undefined } => {
  const holdText = peer.text('hold-time') ?? defaultHoldTime;
  const hold = wholeSeconds(holdText);
  if (hold === undefined) fault('hold-time', `invalid hold time "${holdText}": ${notDuration(holdText)}`);
  else if (hold !== 0 && hold < 3) fault('hold-time', `invalid hold time "${holdText}": must be 0 or >=3s`);

  const keepaliveText = peer.text('keepalive-time');
  const keepalive = keepaliveText === undefined ? undefined : wholeSeconds(keepaliveText);
  if (keepaliveText !== undefined && keepalive === undefined) {
    fault('keepalive-time', `invalid keepalive time "${keepaliveText}": ${notDuration(keepaliveText)}`);
  } else if (keepalive !== undefined && hold !== undefined && (keepalive > hold || keepalive < 0)) {
    fault('keepalive-time', `invalid keepaliveTime "${keepaliveText}"`);
  }
  return {
    holdTime: goDuration(hold ?? 0),
    keepaliveTime: keepalive === undefined ? undefined : goDuration(keepalive),
  };
};

const wholeSeconds = (text: string): number | undefined => {
  const duration = parseDuration(text);
  return duration.ok ? Math.trunc(duration.value / 1000) : undefined;
};

const notDuration = (text: string): string => `time: invalid duration ${JSON.stringify(text)}`;

/** Whole seconds as Go writes a duration: `0s`, `1m30s`, `1h0m0s`. */
const goDuration = (seconds: number): string => {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const inHours = hours > 0 ? `${hours}h` : '';
  const inMinutes = seconds >= 60 ? `${minutes}m` : '';
  return `${inHours}${inMinutes}${seconds % 60}s`;
};

const readNodeSelectors = (
  peer: MapReader,
  fault: (path: string, message: string) => void,
): readonly LabelSelector[] | undefined => {
  const items = peer.list('node-selectors');
  if (items.length === 0) return undefined;
  return items.flatMap((item) => {
    const fields = peer.open(item);
    if (fields === undefined) return [];
    const selector = readSelector(fields);
    // Of a selector that cannot be read nothing more is said.
    const parsed = fields.end() ? parseSelector(selector) : undefined;
    if (parsed?.ok === false) fault(item.path, `parsing node selector: ${parsed.error}`);
    return selector;
  });
};

const readSelector = (fields: MapReader): LabelSelector => {
  const matchLabels = fields.textMap('match-labels').map(([key, { value }]) => [key, value] as const);
  const matchExpressions = fields.list('match-expressions').flatMap((item) => {
    const expression = fields.open(item);
    if (expression === undefined) return [];
    const values = expression.texts('values').map(({ value }) => value);
    const read = {
      key: expression.text('key') ?? '',
      operator: expression.text('operator') ?? '',
      ...(values.length > 0 && { values }),
    };
    expression.end();
    return read;
  });
  return {
    ...(matchLabels.length > 0 && { matchLabels: Object.fromEntries(matchLabels) }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  };
};
