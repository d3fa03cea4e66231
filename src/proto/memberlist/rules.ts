import { millis } from '../../lib/time.ts';
import { isSameEndpoint } from './address.ts';
import { adjustHealth, after, type Core, emit, isSelf, report, type Timer } from './core.ts';
import { limits } from './iana.ts';
import type { Member } from './machine.ts';
import { isLiving, type MemberRecord, type Suspicion } from './member-table.ts';
import { type Alive, type Dead, encodeMessage, isMarked, type NodeState, type Suspect } from './message.ts';
import { createNameChecks } from './name-check.ts';
import { suspicionTimeout, suspicionTimes } from './timing.ts';
import { incompatibility } from './versions.ts';

/** What messages about nodes change (`state.go`: `aliveNode`, `suspectNode`, `deadNode`, `mergeState`). */
export type Rules = {
  readonly alive: (message: Alive) => void;
  readonly suspect: (message: Suspect) => void;
  readonly dead: (message: Dead) => void;
  /** Takes over what the other side of a push/pull knows; the reason why not if versions do not agree. */
  readonly merge: (nodes: readonly NodeState[]) => string | undefined;
  /** Makes this member known: its first event. */
  readonly start: (self: Alive) => void;
};

/** `spread` is called when there is something new to gossip. */
export const createRules = (core: Core, spread: () => void): Rules => {
  const { options, table, broadcasts } = core;

  const broadcast = (message: Alive | Suspect | Dead): void => {
    broadcasts.add(message.node, encodeMessage(message));
    spread();
  };

  const endSuspicion = (record: MemberRecord): void => {
    if (record.suspicion !== undefined) core.timers.delete(record.suspicion.timer);
    record.suspicion = undefined;
  };

  /** Contradicts what others say of this member, by a higher incarnation than theirs. */
  const refute = (self: MemberRecord, accusation: 'alive' | 'suspect' | 'dead', theirs: number, by?: string): void => {
    self.incarnation = Math.min(0xffff_ffff, Math.max(self.incarnation, theirs) + 1);
    adjustHealth(core, 1);
    report(core, { reason: 'refuted', accusation, by });
    broadcast(aliveOf(self));
  };

  const changed = (change: 'joined' | 'left' | 'updated', record: MemberRecord): void =>
    emit(core, { type: 'memberChanged', change, member: memberOf(record) });

  /** The record that an alive message is about, if the message counts. */
  const recordFor = (message: Alive): MemberRecord | undefined => {
    const known = table.get(message.node);
    if (known === undefined) {
      if (message.incarnation === 0) return undefined;
      if (table.size() >= limits.members) {
        report(core, { reason: 'tooManyMembers', name: message.node });
        return undefined;
      }
      const record = newRecord(message);
      table.add(record);
      return record;
    }
    const isElsewhere = !isSameEndpoint(known.endpoint, message);
    if (isSelf(core, message.node)) {
      if (isElsewhere) nameChecks.begin(known, message);
      return isElsewhere || message.incarnation < known.incarnation ? undefined : known;
    }
    if (isElsewhere && isLiving(known)) {
      nameChecks.begin(known, message);
      return undefined;
    }
    if (isElsewhere) {
      // Nobody lives at the known address, so whoever has the name now gets it, whatever its incarnation: a speaker that
      // starts begins with 1. The library refuses that until it has forgotten the dead one.
      const [from, to] = [known.endpoint.address, message.address];
      report(core, { reason: 'addressTaken', name: known.name, from, to });
      return known;
    }
    return message.incarnation > known.incarnation ? known : undefined;
  };

  const alive = (received: Alive): void => {
    const message = received.port === 0 ? { ...received, port: options.endpoint.port } : received;
    const [least, most] = message.versions;
    if (least === 0 || most === 0 || least > most) return;
    if (core.hasLeft && isSelf(core, message.node)) return;
    const record = recordFor(message);
    if (record === undefined) return;
    if (isSelf(core, message.node)) {
      const isEqual = isSameOctets(message.meta, record.meta) && isSameOctets(message.versions, record.versions);
      if (message.incarnation > record.incarnation || !isEqual) refute(record, 'alive', message.incarnation);
      return;
    }
    accept(record, message);
  };

  const accept = (record: MemberRecord, message: Alive): void => {
    endSuspicion(record);
    const before = { isLiving: isLiving(record), state: record.state, meta: record.meta };
    record.incarnation = message.incarnation;
    record.meta = message.meta;
    record.endpoint = { address: message.address, port: message.port };
    record.versions = message.versions;
    record.heir = undefined;
    if (record.state !== 'alive') {
      record.state = 'alive';
      record.changedAt = core.now;
    }
    broadcast(message);
    if (!before.isLiving) changed('joined', record);
    else if (before.state !== 'alive' || !isSameOctets(before.meta, message.meta)) changed('updated', record);
  };

  const suspect = (message: Suspect): void => {
    const record = table.get(message.node);
    if (record === undefined || message.incarnation < record.incarnation) return;
    if (record.suspicion !== undefined) {
      confirm(record.suspicion, message);
      return;
    }
    if (record.state !== 'alive') return;
    if (isSelf(core, record.name)) {
      refute(record, 'suspect', message.incarnation, message.from);
      return;
    }
    record.incarnation = message.incarnation;
    record.state = 'suspect';
    record.changedAt = core.now;
    const times = suspicionTimes(options.config, table.size());
    const timer: Timer = { run: () => expire(record) };
    record.suspicion = { timer, since: core.now, times, from: new Set([message.from]) };
    after(core, times.confirmations === 0 ? times.shortest : times.longest, timer);
    broadcast(message);
    report(core, { reason: 'suspected', name: record.name, by: message.from });
    changed('updated', record);
  };

  /** Another one suspects the same: each of the first few shortens the time, and is passed on. */
  const confirm = (suspicion: Suspicion, message: Suspect): void => {
    const { from, times, since, timer } = suspicion;
    if (from.size - 1 >= times.confirmations || from.has(message.from)) return;
    from.add(message.from);
    core.timers.set(timer, millis(since + suspicionTimeout(times, from.size - 1)));
    broadcast(message);
  };

  const expire = (record: MemberRecord): void => {
    const { name, incarnation, suspicion } = record;
    if (suspicion === undefined) return;
    report(core, { reason: 'failed', name, confirmations: suspicion.from.size - 1 });
    dead({ type: 'dead', incarnation, node: name, from: options.name });
  };

  const dead = (message: Dead): void => {
    const record = table.get(message.node);
    if (record === undefined || message.incarnation < record.incarnation) return;
    endSuspicion(record);
    if (!isLiving(record)) return;
    if (isSelf(core, record.name) && !core.hasLeft) {
      refute(record, 'dead', message.incarnation, message.from);
      return;
    }
    const member = memberOf(record);
    record.incarnation = message.incarnation;
    record.state = message.from === message.node ? 'left' : 'dead';
    record.changedAt = core.now;
    broadcast(message);
    emit(core, { type: 'memberChanged', change: 'left', member });
    if (record.heir !== undefined) alive(record.heir);
  };

  const nameChecks = createNameChecks(core, ({ name, incarnation }) =>
    suspect({ type: 'suspect', incarnation, node: name, from: options.name }),
  );

  const mergeNode = (node: NodeState): void => {
    const about = { incarnation: node.incarnation, node: node.node };
    if (node.state === 'alive') alive({ ...node, type: 'alive' });
    else if (node.state === 'left') dead({ ...about, type: 'dead', from: node.node });
    // Whom the other side holds for dead is given the chance to refute.
    else suspect({ ...about, type: 'suspect', from: options.name });
  };

  return {
    alive,
    suspect,
    dead,
    merge: (nodes) => {
      const known = table.all().map(({ name, state, versions }) => ({ node: name, state, versions }));
      const problem = incompatibility([...nodes, ...known]);
      if (problem === undefined) for (const node of nodes) mergeNode(node);
      return problem;
    },
    start: (self) => {
      const record = newRecord(self);
      table.add(record);
      accept(record, self);
    },
  };
};

const newRecord = (message: Alive): MemberRecord => ({
  name: message.node,
  endpoint: { address: message.address, port: message.port },
  meta: message.meta,
  versions: message.versions,
  incarnation: 0,
  state: 'dead',
  changedAt: millis(0),
  suspicion: undefined,
  heir: undefined,
});

/** What a record says to others. */
const aliveOf = ({ name, endpoint, incarnation, meta, versions }: MemberRecord): Alive => ({
  type: 'alive',
  incarnation,
  node: name,
  ...endpoint,
  meta,
  versions,
});

/** A living record as those outside see it. */
export const memberOf = ({ name, endpoint, state, meta }: MemberRecord): Member => ({
  name,
  ...endpoint,
  state: state === 'suspect' ? 'suspect' : 'alive',
  isOurs: isMarked(meta),
});

const isSameOctets = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};
