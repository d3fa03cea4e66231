import { type Millis, millis } from '../../lib/time.ts';
import {
  adjustHealth,
  after,
  type Core,
  emit,
  isSelf,
  nextSequence,
  ownSource,
  report,
  sendMessage,
  sendParts,
  type Timer,
} from './core.ts';
import { sinceVersion } from './iana.ts';
import { isLiving, type MemberRecord } from './member-table.ts';
import { encodeMessage, type Ping, type StreamMessage } from './message.ts';
import type { Rules } from './rules.ts';

/** The round of probes: one member after the other is pinged, and suspected if it does not answer in any way. */
export type Probing = {
  /** The interval is over: the next member is probed, at once or when the probe that runs has ended. */
  readonly tick: () => void;
  /** The answer to the ping over TCP; false if the exchange is not the running probe's. */
  readonly tcpEnded: (exchange: number, message: StreamMessage) => boolean;
};

type Probe = {
  readonly record: MemberRecord;
  /** What was known of the member when the probe began: a refutation since then counts. */
  readonly incarnation: number;
  readonly ping: Ping;
  readonly end: Millis;
  /** Negative answers that others owe, and gave. */
  expectedNacks: number;
  nacks: number;
  /** The exchange over TCP. */
  tcp: number | undefined;
  isTcpAlive: boolean;
};

/** Makes the prober; nothing runs before the first tick. */
export const createProbing = (core: Core, rules: Rules): Probing => {
  const { options, table } = core;
  const { config } = options;
  let position = 0;
  let current: Probe | undefined;
  let isTickMissed = false;

  /** The next living member; at the end of a round those long dead are forgotten, and the order is made anew. */
  const next = (): MemberRecord | undefined => {
    for (let seen = 0; seen <= table.size(); seen++) {
      if (position >= table.size()) {
        position = 0;
        table.reshuffle(
          (record) =>
            !isLiving(record) && !isSelf(core, record.name) && record.changedAt + config.gossipToTheDeadTime < core.now,
        );
      }
      const record = table.all()[position];
      position += 1;
      if (record !== undefined && !isSelf(core, record.name) && isLiving(record)) return record;
    }
    return undefined;
  };

  const begin = (record: MemberRecord): void => {
    const sequence = nextSequence(core);
    const { name, incarnation, endpoint } = record;
    const ping: Ping = { type: 'ping', sequence, node: name, source: ownSource(core) };
    const wait = millis(config.probeInterval * (core.health + 1));
    const probe: Probe = {
      record,
      incarnation,
      ping,
      end: millis(core.now + wait),
      expectedNacks: 0,
      nacks: 0,
      tcp: undefined,
      isTcpAlive: false,
    };
    current = probe;
    core.acks.set(sequence, {
      onAck: () => {
        adjustHealth(core, -1);
        finish(probe);
      },
      onNack: () => void (probe.nacks += 1),
    });
    if (record.state === 'alive') sendMessage(core, endpoint, ping);
    else {
      // It learns at once that it is suspected, and can refute.
      const suspicion = encodeMessage({ type: 'suspect', incarnation, node: name, from: options.name });
      sendParts(core, record, [encodeMessage(ping), suspicion]);
    }
    silent = { run: () => askOthers(probe) };
    over = { run: () => conclude(probe) };
    after(core, config.probeTimeout, silent);
    after(core, wait, over);
  };

  /** Timers of the probe that runs. */
  let silent: Timer = { run: () => {} };
  let over: Timer = silent;

  const finish = (probe: Probe): void => {
    core.acks.delete(probe.ping.sequence);
    core.timers.delete(silent);
    core.timers.delete(over);
    current = undefined;
    if (!isTickMissed) return;
    isTickMissed = false;
    tick();
  };

  /** No answer by UDP in time: others are asked to try, and TCP is tried from here. */
  const askOthers = (probe: Probe): void => {
    const { record, ping } = probe;
    const { address, port } = record.endpoint;
    const helpers = table.pick(
      config.indirectChecks,
      ({ name, state }) => state === 'alive' && name !== record.name && !isSelf(core, name),
    );
    for (const helper of helpers) {
      const wantsNack = helper.versions[1] >= sinceVersion.nack;
      if (wantsNack) probe.expectedNacks += 1;
      sendMessage(core, helper.endpoint, { ...ping, type: 'indirectPing', target: address, port, wantsNack });
    }
    if (config.disableTcpPings || record.versions[1] < sinceVersion.tcpPing) return;
    probe.tcp = nextSequence(core);
    const octets = encodeMessage(ping);
    emit(core, { type: 'exchange', exchange: probe.tcp, to: record.endpoint, octets, deadline: probe.end });
  };

  const conclude = (probe: Probe): void => {
    const { record, incarnation, expectedNacks, nacks } = probe;
    if (probe.isTcpAlive) {
      adjustHealth(core, -1);
      report(core, { reason: 'onlyTcp', name: record.name });
    } else {
      // Helpers that do not even say "no answer" make it likely that the trouble is here.
      adjustHealth(core, expectedNacks > 0 ? Math.max(0, expectedNacks - nacks) : 1);
      rules.suspect({ type: 'suspect', incarnation, node: record.name, from: options.name });
    }
    finish(probe);
  };

  const tick = (): void => {
    if (current !== undefined) {
      isTickMissed = true;
      return;
    }
    const record = next();
    if (record !== undefined) begin(record);
  };

  return {
    tick,
    tcpEnded: (exchange, message) => {
      if (current?.tcp !== exchange) return false;
      current.isTcpAlive = message.type === 'ack' && message.sequence === current.ping.sequence;
      return true;
    },
  };
};
