import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createNetwork,
  type Happening,
  type Network,
  type VirtualMember,
} from '../../../test/support/memberlist-rig.ts';
import type { Ip } from '../../lib/ip.ts';
import { millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import { lanConfig } from './config.ts';
import { ownVersions } from './iana.ts';
import type { MemberlistEffect } from './machine.ts';
import { createMemberlist } from './memberlist.ts';
import { type Alive, type NodeState, ownMark, type PacketMessage } from './message.ts';
import { openPacket } from './packet.ts';
import { openStream } from './stream.ts';

/** Starts members n1, n2 … and lets all join the first. */
const cluster = (network: Network, count: number): VirtualMember[] => {
  const members = Array.from({ length: count }, (_, index) => network.add(`n${index + 1}`, index + 1));
  for (const member of members.slice(1)) member.join(members[0]!);
  const names = members.map(({ name }) => name).sort();
  network.until(10_000, () => members.every((member) => isSame(member.names(), names)));
  return members;
};

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join(' ') === b.join(' ');

const told = (member: VirtualMember, what: Happening['what'], about: string): readonly Happening[] =>
  member.story.filter(
    (each) =>
      each.what === what &&
      ('member' in each ? each.member.name : 'name' in each ? each.name : JSON.stringify(each)).includes(about),
  );

const stateOf = (member: VirtualMember, name: string): string | undefined =>
  member.machine.members().find((each) => each.name === name)?.state;

describe('members on a network', () => {
  test('know each other after one exchange of states, and tell the others', () => {
    const network = createNetwork({ seed: 1 });
    const [a, b, c] = [network.add('a', 1), network.add('b', 2), network.add('c', 3)];
    b.join(a);
    network.run(10);
    expect([a.names(), b.names()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    c.join(b);
    expect(network.until(1000, () => a.names().length === 3)).toBeLessThan(250); // one interval of gossip
    expect(b.story.filter(({ what }) => what === 'joinEnded')).toMatchObject([{ problem: undefined }]);
    expect(told(a, 'joined', 'c')).toMatchObject([
      { member: { name: 'c', address: '10.0.0.3', port: 7946, state: 'alive', isOurs: true } },
    ]);
  });

  test('a join of an address where nobody is fails when the time for it is over', () => {
    const network = createNetwork({ seed: 1 });
    const [a, b] = [network.add('a', 1), network.add('b', 2)];
    b.crash();
    a.join(b);
    network.run(10_001);
    expect(a.story.at(-1)).toEqual({ at: 10_000, what: 'joinEnded', problem: 'no answer in time' });
  });

  test('of three, one that crashes is suspected after a probe, and dead 4 s later', () => {
    const network = createNetwork({ seed: 2 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    network.run(5000);
    c.crash();
    const crashed = network.now();
    network.until(9000, () => isSame(a.names(), ['n1', 'n2']) && isSame(b.names(), ['n1', 'n2']));
    for (const member of [a, b]) {
      const suspected = told(member, 'suspected', 'n3')[0]!.at;
      const left = told(member, 'left', 'n3')[0]!.at;
      expect(suspected - crashed).toBeLessThan(3000); // two members to probe, one second each, one to wait
      expect(left - suspected).toBeGreaterThan(3500); // the first to suspect tells the other when its time is over
      expect(left - suspected).toBeLessThanOrEqual(4000);
    }
    expect([...told(a, 'failed', 'n3'), ...told(b, 'failed', 'n3')].length).toBeGreaterThan(0);
  });

  test('of ten, confirmations bring 24 s down to little more than 4', () => {
    const network = createNetwork({ seed: 3 });
    const members = cluster(network, 10);
    network.run(5000);
    const [crashed, ...others] = members.toReversed();
    crashed!.crash();
    expect(network.until(15_000, () => others.every(({ names }) => names().length === 9))).toBeGreaterThan(4000);
  });

  test('one that cannot be reached for a while is suspected, refutes, and never leaves', () => {
    const network = createNetwork({ seed: 4 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    network.filter = (from, to) => ![from, to].includes(c.endpoint.address);
    network.until(5000, () => stateOf(a, 'n3') === 'suspect' && stateOf(b, 'n3') === 'suspect');
    network.filter = () => true;
    network.until(4000, () => stateOf(a, 'n3') === 'alive' && stateOf(b, 'n3') === 'alive');
    expect(told(c, 'refuted', 'suspect').length).toBeGreaterThan(0);
    network.run(30_000);
    expect([...told(a, 'left', 'n3'), ...told(b, 'left', 'n3')]).toEqual([]);
  });

  test('one that answers by way of others only, or by TCP only, is not suspected', () => {
    const network = createNetwork({ seed: 5 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    const between = (from: Ip, to: Ip, x: VirtualMember, y: VirtualMember): boolean =>
      [from, to].includes(x.endpoint.address) && [from, to].includes(y.endpoint.address);
    network.filter = (from, to) => !between(from, to, a, c); // neither UDP nor TCP, but b helps
    network.run(20_000);
    network.filter = (from, to, kind) => kind === 'tcp' || ![from, to].includes(c.endpoint.address);
    network.run(20_000);
    expect([a, b, c].flatMap((member) => told(member, 'suspected', ''))).toEqual([]);
    expect(told(a, 'onlyTcp', 'n3').length).toBeGreaterThan(0);
  });

  test('a leave is known to all at once, and nobody suspects', () => {
    const network = createNetwork({ seed: 6 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    c.leave();
    expect(network.until(1000, () => a.names().length === 2 && b.names().length === 2)).toBeLessThan(5);
    c.crash();
    network.run(20_000);
    expect([a, b].flatMap((member) => told(member, 'suspected', ''))).toEqual([]);
  });

  test.each(['crash', 'leave'] as const)('after a %s, a new life at the same address counts at once', (end) => {
    const network = createNetwork({ seed: 7 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    c[end]();
    network.until(10_000, () => a.names().length === 2 && b.names().length === 2);
    c.crash();
    const again = network.add('n3', 3);
    again.join(a);
    expect(network.until(2000, () => a.names().length === 3 && b.names().length === 3)).toBeLessThan(500);
  });

  test('a new life that comes before the old one was missed is no news', () => {
    const network = createNetwork({ seed: 8 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    c.crash();
    const again = network.add('n3', 3);
    again.join(a);
    network.run(20_000);
    expect([a, b].flatMap((member) => [...told(member, 'left', 'n3'), ...told(member, 'suspected', 'n3')])).toEqual([]);
    expect(again.names()).toEqual(['n1', 'n2', 'n3']);
  });

  test('a dead name is taken over by a new address at once', () => {
    const network = createNetwork({ seed: 9 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    c.crash();
    network.until(10_000, () => a.names().length === 2 && b.names().length === 2);
    const moved = network.add('n3', 33);
    moved.join(a);
    const address = (member: VirtualMember): Ip | undefined =>
      member.machine.members().find(({ name }) => name === 'n3')?.address;
    expect(network.until(2000, () => address(a) === '10.0.0.33' && address(b) === '10.0.0.33')).toBeLessThan(500);
    expect(told(a, 'addressTaken', '10.0.0.33').length).toBe(1);
    network.run(40_000);
    expect([address(a), address(b)]).toEqual(['10.0.0.33', '10.0.0.33']);
  });

  test('a name that moves before anybody missed it has its new address when the old one is dead', () => {
    const network = createNetwork({ seed: 10 });
    const [a, b, c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    c.crash();
    const moved = network.add('n3', 33);
    moved.join(a);
    const isMoved = (member: VirtualMember): boolean =>
      member.machine.members().some(({ name, address }) => name === 'n3' && address === '10.0.0.33');
    // Suspected at once, without waiting for a probe: half a second to ask, four of suspicion.
    expect(network.until(20_000, () => isMoved(a) && isMoved(b))).toBeLessThan(6000);
    expect([a, b].flatMap((member) => told(member, 'conflict', ''))).toEqual([]);
  });

  test('two living members with one name are reported with both addresses, and the known one stays', () => {
    const network = createNetwork({ seed: 11 });
    const [a, , c] = cluster(network, 3) as [VirtualMember, VirtualMember, VirtualMember];
    const double = network.add('n3', 33);
    double.join(a);
    network.run(5000);
    expect(told(a, 'conflict', 'n3')[0]).toMatchObject({ name: 'n3', addresses: ['10.0.0.3', '10.0.0.33'] });
    expect(told(double, 'conflict', 'n3')[0]).toMatchObject({ name: 'n3', addresses: ['10.0.0.33', '10.0.0.3'] });
    expect(a.machine.members().find(({ name }) => name === 'n3')).toMatchObject({ address: '10.0.0.3' });
    network.run(50_000);
    expect(told(a, 'conflict', 'n3')).toHaveLength(1);
    expect(stateOf(c, 'n1')).toBe('alive');
  });

  test('a hundred find each other under loss, keep each other, and miss one that crashes', { timeout: 120_000 }, () => {
    const network = createNetwork({ seed: 12, loss: 0.05 });
    const members = Array.from({ length: 100 }, (_, index) => network.add(`n${index + 1}`, index + 1));
    for (const member of members.slice(1)) member.join(members[0]!);
    expect(network.until(60_000, () => members.every(({ names }) => names().length === 100), 50)).toBeLessThan(5000);
    const before = network.packets();
    network.run(30_000);
    expect(members.flatMap((member) => told(member, 'left', ''))).toEqual([]);
    expect((network.packets() - before) / 100 / 30).toBeLessThan(8); // packets per member and second
    const [crashed, ...others] = members.toReversed();
    crashed!.crash();
    const detected = network.until(60_000, () => others.every(({ names }) => names().length === 99), 100);
    expect(detected).toBeGreaterThan(4000);
    expect(detected).toBeLessThan(20_000);
  });
});

const endpoint: Endpoint = { address: '10.0.0.1' as Ip, port: 7946 };
const elsewhere: Endpoint = { address: '10.0.0.9' as Ip, port: 7946 };

/** One member without a network: what it sends in answer to messages. */
const alone = () => {
  const machine = createMemberlist({ name: 'me', endpoint, config: lanConfig, random: () => 0.5 });
  machine.step({ type: 'start' }, millis(0));
  const sent = (effects: readonly MemberlistEffect[]) =>
    effects
      .filter((effect) => effect.type === 'send')
      .map(({ to, octets }) => ({
        to: `${to.address}:${to.port}`,
        message: openPacket(octets, { keys: [], acceptsClear: true }).messages[0],
      }));
  return {
    machine,
    receive: (at: number, ...messages: readonly PacketMessage[]) =>
      sent(machine.step({ type: 'packet', from: elsewhere, messages }, millis(at))),
    advance: (to: number) => {
      const effects: MemberlistEffect[] = [];
      for (let next = machine.nextDeadline()!; next <= to; next = machine.nextDeadline()!) {
        effects.push(...machine.step({ type: 'timerDue' }, next));
      }
      return sent(effects);
    },
  };
};

const alive = (node: string, host: number, more: Partial<Alive> = {}): Alive => ({
  type: 'alive',
  incarnation: 1,
  node,
  address: `10.0.${host >> 8}.${host & 255}` as Ip,
  port: 7946,
  meta: new Uint8Array(),
  versions: ownVersions,
  ...more,
});

describe('one member', () => {
  test('answers a ping for itself or for anybody, to the source named, and no ping for another', () => {
    const { receive } = alone();
    const source = { address: '10.0.0.7' as Ip, port: 7000, node: 'n7' };
    expect(receive(1, { type: 'ping', sequence: 5, node: 'me', source })).toEqual([
      { to: '10.0.0.7:7000', message: { type: 'ack', sequence: 5 } },
    ]);
    expect(receive(2, { type: 'ping', sequence: 6, node: '', source: undefined })).toMatchObject([
      { to: '10.0.0.9:7946', message: { sequence: 6 } },
    ]);
    expect(receive(3, { type: 'ping', sequence: 7, node: 'n2', source })).toEqual([]);
  });

  test('pings for another, and passes on the answer, or says that there is none', () => {
    const { receive, advance } = alone();
    const request: PacketMessage = {
      type: 'indirectPing',
      sequence: 77,
      target: '10.0.0.2' as Ip,
      port: 0,
      node: 'n2',
      wantsNack: true,
      source: undefined,
    };
    const [ping] = receive(10, request);
    expect(ping).toMatchObject({
      to: '10.0.0.2:7946',
      message: { type: 'ping', node: 'n2', source: { ...endpoint, node: 'me' } },
    });
    const { sequence } = ping!.message as { sequence: number };
    expect(receive(20, { type: 'ack', sequence })).toEqual([
      { to: '10.0.0.9:7946', message: { type: 'ack', sequence: 77 } },
    ]);
    expect(receive(21, { type: 'ack', sequence })).toEqual([]); // only once
    receive(30, request);
    expect(advance(530)).toEqual([{ to: '10.0.0.9:7946', message: { type: 'nack', sequence: 77 } }]);
  });

  test('is not fooled by versions that make no sense, an incarnation of 0, or messages about strangers', () => {
    const { machine, receive } = alone();
    receive(1, alive('n2', 2, { versions: [0, 5, 2, 0, 0, 0] }));
    receive(1, alive('n3', 3, { versions: [4, 3, 2, 0, 0, 0] }));
    receive(1, alive('n4', 4, { incarnation: 0 }));
    receive(1, { type: 'suspect', incarnation: 9, node: 'n5', from: 'n6' });
    receive(1, { type: 'dead', incarnation: 9, node: 'n5', from: 'n6' });
    expect(machine.members().map(({ name }) => name)).toEqual(['me']);
  });

  test('says by the mark which members are of its kind', () => {
    const { machine, receive } = alone();
    receive(1, alive('n2', 2), alive('n3', 3, { meta: ownMark }));
    expect(machine.members().map(({ name, isOurs }) => [name, isOurs])).toEqual([
      ['me', true],
      ['n2', false],
      ['n3', true],
    ]);
  });

  test('takes in 10,000 members and no more', () => {
    const { machine, receive } = alone();
    for (let i = 0; i < 10_100; i++) receive(1, alive(`n${i}`, i + 256));
    expect(machine.members()).toHaveLength(10_000);
  });

  test('refuses the states of nodes whose versions do not agree, and takes over none of them', () => {
    const { machine } = alone();
    const { type: _, ...about } = alive('n2', 2, { versions: [3, 5, 3, 0, 0, 0] });
    const nodes: NodeState[] = [{ ...about, state: 'alive' }];
    machine.step({ type: 'join', token: 4, to: elsewhere }, millis(1));
    const effects = machine.step(
      { type: 'response', exchange: 1, message: { type: 'pushPull', isJoin: false, nodes } },
      millis(2),
    );
    expect(effects).toEqual([
      {
        type: 'joinEnded',
        token: 4,
        problem: "Node 'me' protocol version (2) is incompatible: [3, 5]",
      },
    ]);
    expect(machine.members()).toHaveLength(1);
  });

  test('holds for suspect, not for dead, whom another holds for dead', () => {
    const { machine, receive } = alone();
    receive(1, alive('n2', 2));
    const { type: _, ...about } = alive('n2', 2);
    const message = { type: 'pushPull', isJoin: false, nodes: [{ ...about, state: 'dead' }] } as const;
    machine.step({ type: 'request', stream: 1, message }, millis(2));
    expect(machine.members().map(({ name, state }) => [name, state])).toEqual([
      ['me', 'alive'],
      ['n2', 'suspect'],
    ]);
  });

  test('contradicts with a higher incarnation than that of the accusation', () => {
    const { machine, receive } = alone();
    receive(1, { type: 'suspect', incarnation: 9, node: 'me', from: 'n2' });
    const message = { type: 'pushPull', isJoin: false, nodes: [] } as const;
    const [reply] = machine.step({ type: 'request', stream: 1, message }, millis(2));
    const state = openStream(reply?.type === 'reply' ? reply.octets : new Uint8Array(), {
      keys: [],
      acceptsClear: true,
    });
    expect(state).toMatchObject({ ok: true, value: { nodes: [{ node: 'me', incarnation: 10, state: 'alive' }] } });
  });

  test('gives a suspect up after 4 s when two others confirm, each of them once, and not before', () => {
    const { machine, receive, advance } = alone();
    receive(0, ...[2, 3, 4, 5].map((host) => alive(`n${host}`, host)));
    const knows = (): boolean => machine.members().some(({ name }) => name === 'n2');
    const suspect = (from: string): PacketMessage => ({ type: 'suspect', incarnation: 1, node: 'n2', from });
    receive(10, suspect('n3'), suspect('n3'), suspect('n3'));
    receive(20, suspect('n4'), suspect('n5'));
    advance(4009);
    expect(knows()).toBe(true);
    advance(4010);
    expect(knows()).toBe(false);
  });

  test('exchanges states with at most 127 at a time', () => {
    const { machine } = alone();
    const effects = Array.from({ length: 129 }, (_, token) =>
      machine.step({ type: 'join', token, to: elsewhere }, millis(1)),
    ).flat();
    expect(effects.filter(({ type }) => type === 'exchange')).toHaveLength(127);
    expect(effects.filter(({ type }) => type === 'joinEnded')).toMatchObject([{ token: 127 }, { token: 128 }]);
  });

  test('no message, whatever it says, makes it fail', () => {
    const name = fc.constantFrom('me', 'n2', 'n3');
    const number = fc.constantFrom(0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff);
    const message: fc.Arbitrary<PacketMessage> = fc.oneof(
      fc.record({ type: fc.constantFrom('ack', 'nack'), sequence: number }),
      fc.record({ type: fc.constantFrom('suspect', 'dead'), incarnation: number, node: name, from: name }),
      fc
        .record({ node: name, host: fc.nat(4), incarnation: number, port: fc.constantFrom(0, 7946, 7947) })
        .map(({ node, host, incarnation, port }) => alive(node, host, { incarnation, port })),
      fc.record({ type: fc.constant('ping'), sequence: number, node: name, source: fc.constant(undefined) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(message, fc.nat(3000)), { maxLength: 60 }), (history) => {
        const { machine, receive, advance } = alone();
        let now = 0;
        for (const [each, pause] of history) {
          now += pause;
          advance(now);
          receive(now, each);
          expect(machine.members().map((member) => member.name)).toContain('me');
        }
      }),
    );
  });
});
