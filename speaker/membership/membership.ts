import { randomFillSync } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import { type Ip, parseIp } from '../../src/lib/ip.ts';
import { millis, type Millis, seconds, sleep } from '../../src/lib/time.ts';
import type { Endpoint } from '../../src/proto/memberlist/address.ts';
import {
  acceptedKeys,
  deriveKey,
  keyRing,
  nonceLength,
  sendingKey,
  withKey,
} from '../../src/proto/memberlist/encryption.ts';
import type { Member, MemberlistEffect, MemberlistEvent } from '../../src/proto/memberlist/machine.ts';
import { createMemberlist } from '../../src/proto/memberlist/memberlist.ts';
import { openPacket, type Opening, sealPacket } from '../../src/proto/memberlist/packet.ts';
import { sealStream } from '../../src/proto/memberlist/stream.ts';
import { createJoining } from './joining.ts';
import { logMember, logReport } from './reports.ts';
import { openSockets } from './sockets.ts';
import { createStreams } from './streams.ts';
import type { Membership, MembershipMember, MembershipOptions, NameConflict } from './types.ts';

/** How long a leave may take. */
const leaveTimeout = seconds(1);

/** The same trouble with what comes in is not logged sooner again. */
const complaintPause = seconds(60);

/** Octets that wait to be sent; packets beyond are dropped, as the network may. */
const maxUnsent = 1024 * 1024;

/**
 * Binds the sockets and takes part from then on; nobody is joined before `setPeers` or `join`. Rejects when the address
 * cannot be bound.
 */
export const createMembership = async (options: MembershipOptions): Promise<Membership> => {
  const { name, bindAddress, config, clock } = options;
  const log = options.log.child({ component: 'membership' });
  if (bindAddress === '0.0.0.0' || bindAddress === '::') {
    throw new Error(`memberlist needs the address that others reach this node by, not ${bindAddress}`);
  }
  if (options.secret === undefined) log.warn('without a secret, anybody on the network may take part');
  const { udp, tcp, port } = await openSockets(bindAddress, options.port);
  const machine = createMemberlist({ name, endpoint: { address: bindAddress, port }, config, random: Math.random });
  let ring = keyRing(options.secret && deriveKey(options.secret));
  let members: readonly MembershipMember[] | undefined;
  const changeListeners = new Set<() => void>();
  const conflictListeners = new Set<(conflict: NameConflict) => void>();
  const joins = new Map<number, (isAnswered: boolean) => void>();
  let lastToken = 0;
  const complaints = new Map<string, Millis>();
  let unsent = 0;
  let onSent: (() => void) | undefined;
  let isClosed = false;

  const complain = (message: string, fields: Readonly<Record<string, unknown>>): void => {
    const last = complaints.get(message);
    if (last !== undefined && last + complaintPause > clock.now()) return;
    complaints.set(message, clock.now());
    log.warn(message, fields);
  };

  const opening = (): Opening => {
    const { keys, acceptsClear } = acceptedKeys(ring, clock.now());
    return { keys, acceptsClear: acceptsClear || !config.gossipVerifyIncoming };
  };
  const key = () => (config.gossipVerifyOutgoing ? sendingKey(ring, clock.now()) : undefined);
  const nonce = (): Uint8Array => randomFillSync(new Uint8Array(nonceLength));

  const send = (to: Endpoint, octets: Uint8Array, hasChecksum: boolean): void => {
    if (isClosed || udp.getSendQueueSize() > maxUnsent) return;
    unsent += 1;
    udp.send(sealPacket(octets, hasChecksum, key(), nonce()), to.port, to.address, (error) => {
      unsent -= 1;
      if (error !== null) complain('a packet could not be sent', { to: to.address, error });
      if (unsent === 0) onSent?.();
    });
  };

  const perform = (effect: MemberlistEffect): void => {
    switch (effect.type) {
      case 'send':
        return send(effect.to, effect.octets, effect.hasChecksum);
      case 'exchange':
        return streams.exchange(effect.exchange, effect.to, effect.octets, effect.deadline);
      case 'reply':
        return streams.reply(effect.stream, effect.octets);
      case 'refuse':
        complain('a request was refused', { problem: effect.problem });
        return streams.refuse(effect.stream);
      case 'joinEnded': {
        if (effect.problem !== undefined) log.debug('a peer could not be joined', { problem: effect.problem });
        const resolve = joins.get(effect.token);
        joins.delete(effect.token);
        return resolve?.(effect.problem === undefined);
      }
      case 'memberChanged':
        members = undefined;
        return logMember(log, effect.change, effect.member);
      case 'conflict':
        log.error('two living nodes have the same name', { name: effect.name, addresses: effect.addresses });
        for (const listener of conflictListeners) listener({ name: effect.name, addresses: effect.addresses });
        return;
      case 'report':
        return logReport(log, effect.report);
    }
  };

  const changed = (): void => {
    for (const listener of changeListeners) listener();
  };

  const feed = (event: MemberlistEvent): void => {
    if (isClosed) return;
    const effects = machine.step(event, clock.now());
    for (const effect of effects) perform(effect);
    if (effects.some(({ type }) => type === 'memberChanged')) changed();
    arm();
  };

  let armedFor: Millis | undefined;
  let cancelTimer: (() => void) | undefined;
  const arm = (): void => {
    const deadline = machine.nextDeadline();
    if (isClosed || deadline === armedFor) return;
    cancelTimer?.();
    armedFor = deadline;
    cancelTimer =
      deadline === undefined
        ? undefined
        : clock.after(millis(Math.max(0, deadline - clock.now())), () => {
            // After a pause of the process timers come first; answers that have arrived are to be read before.
            setImmediate(() => {
              armedFor = undefined;
              feed({ type: 'timerDue' });
            });
          });
  };

  const streams = createStreams(tcp, {
    clock,
    timeout: config.tcpTimeout,
    opening,
    seal: (message) => sealStream(message, key(), nonce()),
    onRequest: (stream, message) => feed({ type: 'request', stream, message }),
    onResponse: (exchange, message) => feed({ type: 'response', exchange, message }),
    onFailed: (exchange, problem) => feed({ type: 'failed', exchange, problem }),
    onRefused: (from, problem) => complain('a stream was not understood', { from, problem }),
  });

  const join = (address: Ip): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (isClosed) resolve(false);
    else {
      const token = ++lastToken;
      joins.set(token, resolve);
      feed({ type: 'join', token, to: { address, port } });
    }
    return promise;
  };

  const livingMembers = (): readonly MembershipMember[] => (members ??= machine.members().map(asMember));

  const joining = createJoining({
    clock,
    isMember: (address) => address === bindAddress || livingMembers().some((member) => member.address === address),
    join,
    onComplete: changed,
  });

  udp.on('message', (packet: Uint8Array, { address, port }: RemoteInfo) => {
    const from = parseIp(address);
    if (!from.ok) return; // a zone: link-local sources have no place here
    const { messages, problem } = openPacket(packet, opening());
    if (problem !== undefined) complain('a packet was not understood', { from: address, ...problem });
    if (messages.length > 0) feed({ type: 'packet', from: { address: from.value, port }, messages });
  });
  udp.on('error', (error) => complain('receiving packets failed', { error }));
  tcp.on('error', (error) => complain('accepting streams failed', { error }));
  feed({ type: 'start' });

  return {
    port,
    members: livingMembers,
    isComplete: joining.isComplete,
    onChange: (listener) => {
      changeListeners.add(listener);
      return () => void changeListeners.delete(listener);
    },
    onConflict: (listener) => {
      conflictListeners.add(listener);
      return () => void conflictListeners.delete(listener);
    },
    setPeers: joining.setPeers,
    join: async (addresses) => (await Promise.all(addresses.map(join))).filter(Boolean).length,
    setSecret: (secret) => {
      ring = withKey(ring, deriveKey(secret), clock.now());
    },
    leave: async () => {
      feed({ type: 'leave' });
      if (unsent === 0) return;
      const sent = new AbortController();
      onSent = () => sent.abort();
      await sleep(clock, leaveTimeout, sent.signal);
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      cancelTimer?.();
      joining.close();
      streams.close();
      for (const resolve of joins.values()) resolve(false);
      const closed = Promise.withResolvers<void>();
      tcp.close(() => closed.resolve());
      udp.close();
      await closed.promise;
    },
  };
};

const asMember = ({ name, address, state, isOurs }: Member): MembershipMember => ({ name, address, state, isOurs });
