import { type DecodeError, decoding } from '../../lib/bytes.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Result } from '../../lib/result.ts';
import { addressOctets, addressOf, type Endpoint } from './address.ts';
import { limits, MessageType, nodeStates, type Versions } from './iana.ts';
import { encodeMap, mapAt, type MsgpackField, type MsgpackMap, octetsOf, refuse, textOf } from './msgpack.ts';

/** Who asks, so that the answer finds its way without the packet's own source. */
export type PingSource = Endpoint & { readonly node: string };

/** "Are you `node`?" An empty name asks anybody. */
export type Ping = {
  readonly type: 'ping';
  readonly sequence: number;
  readonly node: string;
  readonly source: PingSource | undefined;
};

/** "Ping that one for me, and tell me"; with `wantsNack` also when it stays silent. */
export type IndirectPing = {
  readonly type: 'indirectPing';
  readonly sequence: number;
  readonly target: Ip;
  /** 0: the receiver's own. */
  readonly port: number;
  readonly node: string;
  readonly wantsNack: boolean;
  readonly source: PingSource | undefined;
};

export type Ack = { readonly type: 'ack'; readonly sequence: number };
export type Nack = { readonly type: 'nack'; readonly sequence: number };

/** "`from` holds `node` for failed." */
export type Suspect = {
  readonly type: 'suspect';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
};

/** "`node` lives there." */
export type Alive = {
  readonly type: 'alive';
  readonly incarnation: number;
  readonly node: string;
  readonly address: Ip;
  /** 0: the receiver's own. */
  readonly port: number;
  readonly meta: Uint8Array;
  readonly versions: Versions;
};

/** "`node` is gone"; of its own will if it says so itself. */
export type Dead = {
  readonly type: 'dead';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
};

/** A message of the application; none is expected. */
export type User = { readonly type: 'user' };

/** What a packet may hold. */
export type PacketMessage = Ping | IndirectPing | Ack | Nack | Suspect | Alive | Dead | User;

/** A node as one side of a push/pull knows it. */
export type NodeState = Omit<Alive, 'type'> & { readonly state: (typeof nodeStates)[number] };

/** All the nodes that one side knows. */
export type PushPull = { readonly type: 'pushPull'; readonly isJoin: boolean; readonly nodes: readonly NodeState[] };

/** Why the other side does not go on with an exchange. */
export type ErrorMessage = { readonly type: 'error'; readonly text: string };

/** What a stream may hold, in either direction. */
export type StreamMessage = PushPull | Ping | Ack | ErrorMessage | User;

/** Writes a message that needs no header but its type. */
export const encodeMessage = (message: Exclude<PacketMessage, User> | ErrorMessage): Uint8Array => {
  switch (message.type) {
    case 'ping':
      return encodeMap(
        [['Node', message.node], ['SeqNo', message.sequence], ...sourceFields(message.source)],
        MessageType.ping,
      );
    case 'indirectPing':
      return encodeMap(
        [
          ['Nack', message.wantsNack],
          ['Node', message.node],
          ['Port', message.port],
          ['SeqNo', message.sequence],
          ...sourceFields(message.source),
          ['Target', addressOctets(message.target)],
        ],
        MessageType.indirectPing,
      );
    case 'ack':
      return encodeMap(
        [
          ['Payload', undefined],
          ['SeqNo', message.sequence],
        ],
        MessageType.ack,
      );
    case 'nack':
      return encodeMap([['SeqNo', message.sequence]], MessageType.nack);
    case 'suspect':
    case 'dead':
      return encodeMap(
        [
          ['From', message.from],
          ['Incarnation', message.incarnation],
          ['Node', message.node],
        ],
        MessageType[message.type],
      );
    case 'alive':
      return encodeMap(
        [
          ['Addr', addressOctets(message.address)],
          ['Incarnation', message.incarnation],
          ['Meta', metaField(message.meta)],
          ['Node', message.node],
          ['Port', message.port],
          ['Vsn', Uint8Array.from(message.versions)],
        ],
        MessageType.alive,
      );
    case 'error':
      break;
  }
  return encodeMap([['Error', message.text]], MessageType.error);
};

const sourceFields = (source: PingSource | undefined): readonly MsgpackField[] =>
  source === undefined
    ? []
    : [
        ['SourceAddr', addressOctets(source.address)],
        ['SourceNode', source.node],
        ['SourcePort', source.port],
      ];

const metaField = (meta: Uint8Array): Uint8Array | undefined => (meta.length === 0 ? undefined : meta);

/** Writes a push/pull. */
export const encodePushPull = ({ isJoin, nodes }: PushPull): Uint8Array => {
  const header = encodeMap(
    [
      ['Join', isJoin],
      ['Nodes', nodes.length],
      ['UserStateLen', 0],
    ],
    MessageType.pushPull,
  );
  const states = nodes.map((node) =>
    encodeMap([
      ['Addr', addressOctets(node.address)],
      ['Incarnation', node.incarnation],
      ['Meta', metaField(node.meta)],
      ['Name', node.node],
      ['Port', node.port],
      ['State', nodeStates.indexOf(node.state)],
      ['Vsn', Uint8Array.from(node.versions)],
    ]),
  );
  const whole = new Uint8Array(states.reduce((sum, state) => sum + state.length, header.length));
  whole.set(header);
  let at = header.length;
  for (const state of states) {
    whole.set(state, at);
    at += state.length;
  }
  return whole;
};

/** Reads one message of a packet that is neither compound nor compressed. */
export const decodePacketMessage = (bytes: Uint8Array): Result<PacketMessage, DecodeError> =>
  decoding('memberlist', bytes, () => {
    switch (bytes[0]) {
      case MessageType.ping:
        return pingOf(fieldsOf(mapAt(bytes, 1)));
      case MessageType.indirectPing:
        return indirectPingOf(fieldsOf(mapAt(bytes, 1)));
      case MessageType.ack:
        return ackOf(fieldsOf(mapAt(bytes, 1)));
      case MessageType.nack:
        return { type: 'nack', sequence: fieldsOf(mapAt(bytes, 1)).u32('SeqNo') };
      case MessageType.suspect:
      case MessageType.dead: {
        const fields = fieldsOf(mapAt(bytes, 1));
        const type = bytes[0] === MessageType.dead ? 'dead' : 'suspect';
        const [node, from] = [fields.nodeName('Node'), fields.nodeName('From')];
        return { type, incarnation: fields.u32('Incarnation'), node, from };
      }
      case MessageType.alive: {
        const fields = fieldsOf(mapAt(bytes, 1));
        return { type: 'alive', ...nodeOf(fields, 'Node') };
      }
      case MessageType.user:
        return { type: 'user' };
      default:
        return refuse(`message type ${bytes[0]} has no place in a packet`);
    }
  });

/** Reads the message of a stream; what follows it has no meaning. */
export const decodeStreamMessage = (bytes: Uint8Array): Result<StreamMessage, DecodeError> =>
  decoding('memberlist', bytes, () => {
    switch (bytes[0]) {
      case MessageType.ping:
        return pingOf(fieldsOf(mapAt(bytes, 1)));
      case MessageType.ack:
        return ackOf(fieldsOf(mapAt(bytes, 1)));
      case MessageType.error:
        return { type: 'error', text: fieldsOf(mapAt(bytes, 1)).text('Error', limits.errorText) };
      case MessageType.pushPull:
        return pushPullOf(bytes);
      case MessageType.user:
        return { type: 'user' };
      default:
        return refuse(`message type ${bytes[0]} has no place on a stream`);
    }
  });

const pushPullOf = (bytes: Uint8Array): PushPull => {
  const header = mapAt(bytes, 1);
  const { count, isJoin } = pushPullHeader(header);
  const nodes: NodeState[] = [];
  for (let at = header.end; nodes.length < count;) {
    const map = mapAt(bytes, at);
    const fields = fieldsOf(map);
    const state = nodeStates[fields.u32('State')] ?? refuse('a state is unknown');
    nodes.push({ ...nodeOf(fields, 'Name'), state });
    at = map.end;
  }
  return { type: 'pushPull', isJoin, nodes };
};

/** What the first map of a push/pull says: how many nodes follow, and how many octets of the application's after them. */
export const pushPullHeader = (
  map: MsgpackMap,
): { readonly count: number; readonly userStateLength: number; readonly isJoin: boolean } => {
  const fields = fieldsOf(map);
  const count = fields.u32('Nodes');
  if (count > limits.members) return refuse(`a push/pull of ${count} nodes is too long`);
  return { count, userStateLength: fields.u32('UserStateLen'), isJoin: fields.boolean('Join') };
};

type Fields = ReturnType<typeof fieldsOf>;

/** Typed access to fields; one that is missing or nil has its type's zero, as in Go. */
const fieldsOf = ({ fields }: MsgpackMap) => {
  const number = (name: string, max: number): number => {
    const value = fields.get(name) ?? 0;
    if (typeof value === 'number' && value >= 0 && value <= max) return value;
    return refuse(`${name} is no number from 0 to ${max}`);
  };
  const octets = (name: string, max: number): Uint8Array => {
    const value = fields.get(name) ?? empty;
    if (value instanceof Uint8Array && value.length <= max) return value;
    return refuse(`${name} is no text or octets of ${max} at most`);
  };
  const text = (name: string, max: number): string => textOf(octets(name, max));
  return {
    u16: (name: string) => number(name, 0xffff),
    u32: (name: string) => number(name, 0xffff_ffff),
    boolean: (name: string) => fields.get(name) === true,
    octets,
    text,
    nodeName: (name: string) => text(name, limits.name) || refuse(`${name} is empty`),
    address: (name: string): Ip => addressOf(octets(name, 16)) ?? refuse(`${name} is no address`),
  };
};

const empty = new Uint8Array();

const pingOf = (fields: Fields): Ping => ({
  type: 'ping',
  sequence: fields.u32('SeqNo'),
  node: fields.text('Node', limits.name),
  source: sourceOf(fields),
});

const indirectPingOf = (fields: Fields): IndirectPing => ({
  type: 'indirectPing',
  sequence: fields.u32('SeqNo'),
  target: fields.address('Target'),
  port: fields.u16('Port'),
  node: fields.text('Node', limits.name),
  wantsNack: fields.boolean('Nack'),
  source: sourceOf(fields),
});

const sourceOf = (fields: Fields): PingSource | undefined => {
  const port = fields.u16('SourcePort');
  if (port === 0 || fields.octets('SourceAddr', 16).length === 0) return undefined;
  return { address: fields.address('SourceAddr'), port, node: fields.text('SourceNode', limits.name) };
};

const ackOf = (fields: Fields): Ack => ({ type: 'ack', sequence: fields.u32('SeqNo') });

const nodeOf = (fields: Fields, name: string): Omit<Alive, 'type'> => ({
  incarnation: fields.u32('Incarnation'),
  node: fields.nodeName(name),
  address: fields.address('Addr'),
  port: fields.u16('Port'),
  meta: Uint8Array.from(fields.octets('Meta', limits.meta)), // the packet's memory is not to be kept
  versions: versionsOf(fields.octets('Vsn', 6)),
});

/** A node that names no versions has 0 for each. */
const versionsOf = (octets: Uint8Array): Versions => {
  const [least = 0, most = 0, current = 0, delegateLeast = 0, delegateMost = 0, delegateCurrent = 0] = octets;
  return [least, most, current, delegateLeast, delegateMost, delegateCurrent];
};

/** Our mark in a node's metadata: a member without it runs the original. */
export const ownMark = octetsOf('metallb-ts/1');

/** Whether metadata carries our mark, of this version of metallb-ts or of another. */
export const isMarked = (meta: Uint8Array): boolean => {
  for (let i = 0; i < markLength; i++) if (meta[i] !== ownMark[i]) return false;
  return true;
};

/** Octets of the mark without its version. */
const markLength = 'metallb-ts/'.length;
