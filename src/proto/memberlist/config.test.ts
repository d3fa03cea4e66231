import { expect, test } from 'vitest';
import { lanConfig, parseMemberlistConfig, wanConfig } from './config.ts';

const durations = {
  TCPTimeout: '30s',
  PushPullInterval: '1m0s',
  ProbeTimeout: '3s',
  ProbeInterval: '5s',
  GossipInterval: '500ms',
  GossipToTheDeadTime: '1m',
  QueueCheckInterval: '30s',
};

const wanFile = {
  ...durations,
  IndirectChecks: 3,
  RetransmitMult: 4,
  SuspicionMult: 6,
  SuspicionMaxTimeoutMult: 6,
  DisableTcpPings: false,
  AwarenessMaxMultiplier: 8,
  GossipNodes: 4,
  GossipVerifyIncoming: true,
  GossipVerifyOutgoing: true,
  EnableCompression: true,
  HandoffQueueDepth: 1024,
  UDPBufferSize: 1400,
};

test('a file with every setting of the WAN profile is the WAN profile', () => {
  expect(parseMemberlistConfig(JSON.stringify(wanFile))).toEqual({ ok: true, value: wanConfig });
  expect(wanConfig).not.toEqual(lanConfig);
});

test('missing numbers are 0, missing booleans false, and unknown keys have no effect', () => {
  expect(parseMemberlistConfig(JSON.stringify({ ...durations, Label: 'x' }))).toMatchObject({
    ok: true,
    value: { indirectChecks: 0, gossipNodes: 0, disableTcpPings: false, gossipVerifyIncoming: false, udpBufferSize: 0 },
  });
});

test.each([
  ['{', 'JSON'],
  ['{}', 'parsing TCPTimeout "" in memberlist config file'],
  [JSON.stringify({ ...durations, ProbeTimeout: undefined }), 'parsing ProbeTimeout "" in memberlist config file'],
  [JSON.stringify({ ...durations, ProbeInterval: '5' }), 'parsing ProbeInterval "5" in memberlist config file'],
  [JSON.stringify({ ...durations, GossipInterval: '-1s' }), 'parsing GossipInterval "-1s" in memberlist config file'],
  [JSON.stringify({ ...durations, QueueCheckInterval: 3 }), 'parsing QueueCheckInterval "" in memberlist config file'],
  [JSON.stringify({ ...durations, GossipNodes: -1 }), 'parsing GossipNodes -1 in memberlist config file'],
  [JSON.stringify({ ...durations, GossipNodes: '3' }), 'parsing GossipNodes "3" in memberlist config file'],
  [JSON.stringify({ ...durations, DisableTcpPings: 'no' }), 'parsing DisableTcpPings "no" in memberlist config file'],
])('%s is refused', (text, error) => {
  expect(parseMemberlistConfig(text)).toMatchObject({ ok: false, error: expect.stringContaining(error) as string });
});
