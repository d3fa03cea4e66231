import { expect, test } from 'vitest';
import { createOwnershipRig, ip, orderOf, threeAtRest } from '../../../test/support/ownership-rig.ts';
import type { Mac } from '../../lib/mac.ts';

const key = ip('192.0.2.1');

const isToAll = (type: string | undefined, isCopy: boolean): boolean => type === 'beacon' && !isCopy;

test('where what is sent to all does not arrive, copies do: one answers, and a crash is handled as ever', () => {
  const rig = createOwnershipRig(['a', 'b', 'c']);
  rig.filter((_from, _to, _segment, message) =>
    message === undefined
      ? true
      : !isToAll(message.type, message.type === 'beacon' && message.isCopy) && message.type !== 'whoHears',
  );
  for (const name of ['a', 'b', 'c']) rig.start(name);
  rig.advance(1500);
  rig.order(orderOf(key, ['a', 'b', 'c']));
  rig.advance(20_000);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.reports('b')).not.toContainEqual(expect.objectContaining({ type: 'suspicion' }));
  rig.crash('a');
  rig.advance(300);
  expect(rig.answering(key)).toEqual(['b']);
});

test('what is sent to all is heard, so that nobody is sent copies', () => {
  const rig = threeAtRest(key);
  const copies = rig.sent().filter(({ at, message }) => at > 1500 && message.type === 'beacon' && message.isCopy);
  expect(copies).toEqual([]);
});

test('a member that is not heard is reported after ten seconds, and when it is heard again', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.advance(9900);
  expect(rig.reports('a')).toEqual([]);
  rig.advance(200);
  expect(rig.reports('a')).toEqual([{ type: 'unheardMember', node: 'b', isUnheard: true }]);
  rig.start('b');
  rig.advance(2000);
  expect(rig.reports('a')).toContainEqual({ type: 'unheardMember', node: 'b', isUnheard: false });
  expect(rig.reports('a')).toContainEqual({ type: 'peer', node: 'b', isHeard: true, interfaces: ['eth0'] });
  rig.crash('b');
  rig.advance(4000);
  expect(rig.reports('a').at(-1)).toEqual({ type: 'peer', node: 'b', isHeard: false, interfaces: [] });
});

test('of two living speakers with one name the one at the address of the member stays', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.start('b');
  rig.order(orderOf(key, ['b', 'a']));
  rig.advance(3000);
  // A second b, elsewhere, that answers challenges.
  const second = { node: 'b', epoch: 77n };
  let sequence = 0;
  const speak = (body: object): void => {
    sequence += 1;
    rig.tell('a', {
      type: 'received',
      interface: 1,
      from: ip('10.0.0.77'),
      message: { ...second, sequence, ...body } as never,
    });
  };
  let seen = 0;
  for (let round = 0; round < 40; round++) {
    const effects = rig.effects('a').slice(seen);
    seen += effects.length;
    for (const effect of effects) {
      if (effect.type === 'send' && effect.to === '10.0.0.77' && effect.body.type === 'challenge') {
        speak({ type: 'challengeAnswer', nonce: effect.body.nonce });
      }
    }
    speak({ type: 'challenge', nonce: 1n });
    rig.advance(50);
  }
  expect(rig.reports('a')).toContainEqual(expect.objectContaining({ type: 'duplicateName', node: 'b' }));
  expect(rig.answering(key)).toHaveLength(1);
  const before = rig.reports('a').length;
  rig.advance(3000);
  speak({ type: 'challenge', nonce: 2n });
  rig.advance(3000);
  expect(rig.reports('a').slice(before)).not.toContainEqual(expect.objectContaining({ type: 'owner' }));
});

test('an epoch whose answer to the challenge is not ours does not count', () => {
  const rig = threeAtRest(key);
  const message = { node: 'a', epoch: 5n, sequence: 1, type: 'challengeAnswer', nonce: 12_345n } as const;
  const from = ip('10.0.0.1');
  rig.tell('b', { type: 'received', interface: 1, from, message });
  rig.tell('b', { type: 'received', interface: 1, from, message: { ...message, sequence: 2 } });
  rig.advance(3000);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.effects('b').filter((effect) => effect.type === 'send' && effect.body.type === 'challenge')).not.toEqual(
    [],
  );
});

test('another speaker with the name of this one is reported', () => {
  const rig = createOwnershipRig(['a']);
  rig.start('a');
  rig.advance(2000);
  const from = ip('10.0.0.77');
  const message = { node: 'a', epoch: 5n, sequence: 1, type: 'challenge', nonce: 1n } as const;
  rig.tell('a', { type: 'received', interface: 1, from, message });
  const asked = rig.effects('a').findLast((effect) => effect.type === 'send' && effect.body.type === 'challenge');
  const nonce = asked?.type === 'send' && asked.body.type === 'challenge' ? asked.body.nonce : 0n;
  const answer = { ...message, sequence: 2, type: 'challengeAnswer', nonce } as const;
  rig.tell('a', { type: 'received', interface: 1, from, message: answer });
  expect(rig.reports('a')).toEqual([{ type: 'duplicateName', node: 'a', addresses: [from] }]);
});

test('the threshold widens with the gaps of a peer, so that a link that loses much causes no takeover', () => {
  const rig = threeAtRest(key);
  let count = 0;
  // Every fifth beacon arrives: gaps of 250 ms.
  rig.filter((from, _to, _segment, message) => {
    if (from !== 'a' || message?.type !== 'beacon') return true;
    count += 1;
    return Math.floor(count / 2) % 5 === 0;
  });
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual(['a']);
  const suspicions = rig.effects('b').filter(({ type }) => type === 'diagnose').length;
  expect(suspicions).toBeLessThan(5);
});

test('lost beacons of a peer that owned nothing do not delay its replacement once it owns', () => {
  const rig = threeAtRest(key);
  let count = 0;
  rig.filter((from, _to, _segment, message) => from !== 'b' || message?.type !== 'beacon' || ++count % 2 === 0);
  rig.advance(5000);
  rig.filter(() => true);
  rig.crash('a');
  rig.advance(1000);
  rig.crash('b');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['c']);
});

test('MACs of members are known from their beacons', () => {
  const rig = threeAtRest(key);
  rig.tell('a', { type: 'sighted', interface: 1, ip: key, mac: 0x0200_0000_0003 as Mac, kind: 'claim' });
  expect(rig.reports('a').map(({ type }) => type)).not.toContain('conflict');
});

test('who has missed an owner for two intervals says nothing for it, so that not everybody answers everybody', () => {
  const rig = threeAtRest(key);
  let isCut = false;
  rig.filter((from, to) => !(isCut && from === 'a' && to === 'b'));
  isCut = true;
  rig.advance(60);
  rig.crash('a');
  const from = rig.now();
  rig.advance(140);
  const since = rig.sent().filter(({ at }) => at >= from);
  expect(since.some(({ message }) => message.type === 'whoHears')).toBe(true);
  expect(since.filter(({ message }) => message.type === 'heard')).toEqual([]);
});

test('an owner whose kernel has answered a moment ago has patience, though others spoke for it meanwhile', () => {
  const rig = threeAtRest(key);
  rig.filter((from, to, _segment, message) => !(from === 'a' && to === 'b' && message !== undefined));
  rig.advance(400);
  expect(rig.reports('b')).toContainEqual({ type: 'suspicion', node: 'a', outcome: 'alive' });
  rig.freeze('a');
  rig.advance(400);
  expect(rig.reports('b')).not.toContainEqual({ type: 'suspicion', node: 'a', outcome: 'dead' });
  rig.advance(500);
  expect(rig.answering(key)).toHaveLength(1);
});
