import { compareText } from '../../lib/sorted.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import { after, createCore, isSelf, sendGossip, sendParts, type Timer } from './core.ts';
import { createExchanges } from './exchanges.ts';
import { ownVersions } from './iana.ts';
import type { Memberlist, MemberlistEvent, MemberlistOptions } from './machine.ts';
import { isLiving, type MemberRecord } from './member-table.ts';
import { encodeMessage, ownMark, type PacketMessage, type StreamMessage } from './message.ts';
import { createProbing } from './probing.ts';
import { answerPing, relayPing } from './relay.ts';
import { createRules, memberOf } from './rules.ts';
import { pushPullInterval } from './timing.ts';

/** Members that are told of a leave at once; the others hear of it from them. */
const toldOfLeave = 16;

/** Makes one member; its first event is `start`. */
export const createMemberlist = (options: MemberlistOptions): Memberlist => {
  const { config, random } = options;
  const core = createCore(options);
  const { table, timers, broadcasts } = core;

  /** Runs again and again, the first time after a part of the interval, so that members do not act in step. */
  const repeat = (interval: () => Millis, action: () => void): void => {
    const timer: Timer = {
      run: () => {
        after(core, interval(), timer);
        action();
      },
    };
    if (interval() > 0) after(core, millis(random() * interval()), timer);
  };

  const isGossipTarget = ({ name, state, changedAt }: MemberRecord): boolean =>
    !isSelf(core, name) && state !== 'left' && (state !== 'dead' || core.now - changedAt <= config.gossipToTheDeadTime);

  /** Whether the gossip timer runs: it does while there is something to spread and somebody to hear it. */
  let isGossiping = false;
  const gossip: Timer = {
    run: () => {
      const targets = table.pick(config.gossipNodes, isGossipTarget);
      targets.every((target) => sendGossip(core, target));
      isGossiping = targets.length > 0 && broadcasts.size() > 0;
      if (isGossiping) after(core, config.gossipInterval, gossip);
    },
  };
  const spread = (): void => {
    if (isGossiping || config.gossipInterval <= 0 || config.gossipNodes === 0) return;
    isGossiping = true;
    after(core, millis(random() * config.gossipInterval), gossip);
  };

  const rules = createRules(core, spread);
  const probing = createProbing(core, rules);
  const exchanges = createExchanges(core, rules);

  const start = (): void => {
    const { name: node, endpoint } = options;
    rules.start({ type: 'alive', incarnation: 1, node, ...endpoint, meta: ownMark, versions: ownVersions });
    repeat(() => config.probeInterval, probing.tick);
    repeat(
      () => pushPullInterval(config, table.size()),
      () => {
        const [partner] = table.pick(1, ({ name, state }) => !isSelf(core, name) && state === 'alive');
        if (partner !== undefined) exchanges.begin(partner.endpoint);
      },
    );
  };

  const leave = (): void => {
    const self = table.get(options.name);
    if (self === undefined || core.hasLeft) return;
    core.hasLeft = true;
    const { name, incarnation } = self;
    const message = { type: 'dead', incarnation, node: name, from: name } as const;
    rules.dead(message);
    const octets = encodeMessage(message);
    for (const member of table.pick(toldOfLeave, isLiving)) sendParts(core, member, [octets]);
  };

  const received = (from: Endpoint, message: PacketMessage): void => {
    switch (message.type) {
      case 'ping':
        return answerPing(core, from, message);
      case 'indirectPing':
        return relayPing(core, from, message);
      case 'ack': {
        const handler = core.acks.get(message.sequence);
        core.acks.delete(message.sequence);
        return handler?.onAck();
      }
      case 'nack':
        return core.acks.get(message.sequence)?.onNack?.();
      case 'alive':
        return rules.alive(message);
      case 'suspect':
        return rules.suspect(message);
      case 'dead':
        return rules.dead(message);
      case 'user':
        return; // nobody here speaks to applications
    }
  };

  const answered = (exchange: number, message: StreamMessage): void => {
    if (!probing.tcpEnded(exchange, message)) exchanges.answered(exchange, message);
  };

  const handle = (event: MemberlistEvent): void => {
    switch (event.type) {
      case 'start':
        return start();
      case 'packet':
        for (const message of event.messages) received(event.from, message);
        return;
      case 'request':
        return exchanges.request(event.stream, event.message);
      case 'response':
        return answered(event.exchange, event.message);
      case 'failed':
        return exchanges.failed(event.exchange, event.problem);
      case 'join':
        return exchanges.begin(event.to, event.token);
      case 'leave':
        return leave();
      case 'timerDue':
        for (let due = timers.takeDue(core.now); due !== undefined; due = timers.takeDue(core.now)) due.run();
    }
  };

  return {
    step: (event, now) => {
      core.now = now;
      core.effects = [];
      handle(event);
      return core.effects;
    },
    nextDeadline: timers.next,
    members: () =>
      table
        .all()
        .filter(isLiving)
        .map(memberOf)
        .sort((a, b) => compareText(a.name, b.name)),
  };
};
