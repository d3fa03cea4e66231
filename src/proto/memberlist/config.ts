import { parseDuration } from '../../lib/go-duration.ts';
import { object } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { type Millis, millis, seconds } from '../../lib/time.ts';

/** Settings of the protocol; what each means stands in the library's `config.go`. Durations are milliseconds. */
export type MemberlistConfig = {
  /** Time for one exchange over TCP. */
  readonly tcpTimeout: Millis;
  /** Members asked to ping a silent one. */
  readonly indirectChecks: number;
  readonly retransmitMult: number;
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
  /** 0: states are exchanged on joining only. */
  readonly pushPullInterval: Millis;
  readonly probeTimeout: Millis;
  /** 0: nobody is probed. */
  readonly probeInterval: Millis;
  readonly disableTcpPings: boolean;
  readonly awarenessMaxMultiplier: number;
  readonly gossipNodes: number;
  /** 0: nothing is gossiped. */
  readonly gossipInterval: Millis;
  readonly gossipToTheDeadTime: Millis;
  /** Whether, with a key, what is not encrypted is refused. */
  readonly gossipVerifyIncoming: boolean;
  /** Whether, with a key, what is sent is encrypted. */
  readonly gossipVerifyOutgoing: boolean;
  /** Messages of one kind that wait to be processed. */
  readonly handoffQueueDepth: number;
  /** Octets of the largest packet. */
  readonly udpBufferSize: number;
};

/** The library's `DefaultLANConfig`, with which MetalLB runs unless told. */
export const lanConfig: MemberlistConfig = {
  tcpTimeout: seconds(10),
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  pushPullInterval: seconds(30),
  probeTimeout: millis(500),
  probeInterval: seconds(1),
  disableTcpPings: false,
  awarenessMaxMultiplier: 8,
  gossipNodes: 3,
  gossipInterval: millis(200),
  gossipToTheDeadTime: seconds(30),
  gossipVerifyIncoming: true,
  gossipVerifyOutgoing: true,
  handoffQueueDepth: 1024,
  udpBufferSize: 1400,
};

/** The library's `DefaultWANConfig`: the flag `--ml-wan-config`. */
export const wanConfig: MemberlistConfig = {
  ...lanConfig,
  tcpTimeout: seconds(30),
  suspicionMult: 6,
  pushPullInterval: seconds(60),
  probeTimeout: seconds(3),
  probeInterval: seconds(5),
  gossipNodes: 4,
  gossipInterval: millis(500),
  gossipToTheDeadTime: seconds(60),
};

/**
 * Reads MetalLB's file `config.json`, which replaces the whole profile: a duration that is missing is an error, a
 * missing number is 0, a missing boolean false, and unknown keys have no effect. The error is MetalLB's.
 */
export const parseMemberlistConfig = (text: string): Result<MemberlistConfig> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return err(`memberlist config file: ${error instanceof Error ? error.message : String(error)}`);
  }
  const fields = object(json);
  const problems: string[] = [];
  const refuse = (key: string, what: string): void =>
    void problems.push(`parsing ${key} ${what} in memberlist config file`);
  const duration = (key: string): Millis => {
    const text = typeof fields[key] === 'string' ? fields[key] : '';
    const parsed = parseDuration(text);
    if (parsed.ok && parsed.value >= 0) return parsed.value;
    refuse(key, `"${text}"`);
    return millis(0);
  };
  const count = (key: string): number => {
    const value = fields[key] ?? 0;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31) return value;
    refuse(key, JSON.stringify(value));
    return 0;
  };
  const boolean = (key: string): boolean => {
    const value = fields[key] ?? false;
    if (typeof value === 'boolean') return value;
    refuse(key, JSON.stringify(value));
    return false;
  };
  const config: MemberlistConfig = {
    tcpTimeout: duration('TCPTimeout'),
    indirectChecks: count('IndirectChecks'),
    retransmitMult: count('RetransmitMult'),
    suspicionMult: count('SuspicionMult'),
    suspicionMaxTimeoutMult: count('SuspicionMaxTimeoutMult'),
    pushPullInterval: duration('PushPullInterval'),
    probeTimeout: duration('ProbeTimeout'),
    probeInterval: duration('ProbeInterval'),
    disableTcpPings: boolean('DisableTcpPings'),
    awarenessMaxMultiplier: count('AwarenessMaxMultiplier'),
    gossipNodes: count('GossipNodes'),
    gossipInterval: duration('GossipInterval'),
    gossipToTheDeadTime: duration('GossipToTheDeadTime'),
    gossipVerifyIncoming: boolean('GossipVerifyIncoming'),
    gossipVerifyOutgoing: boolean('GossipVerifyOutgoing'),
    handoffQueueDepth: count('HandoffQueueDepth'),
    udpBufferSize: count('UDPBufferSize'),
  };
  // Always sent uncompressed, and the queue's length is bounded: what these two say is read and has no effect.
  boolean('EnableCompression');
  duration('QueueCheckInterval');
  return problems.length === 0 ? ok(config) : err(problems[0]!);
};
