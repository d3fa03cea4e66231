import { expect, test } from 'vitest';
import { createOwnershipRig, ip, orderOf, threeAtRest } from '../../../test/support/ownership-rig.ts';

const key = ip('192.0.2.1');

test('a speaker alone claims at once and answers after three probes', () => {
  const rig = createOwnershipRig(['a']);
  rig.start('a');
  rig.order(orderOf(key, ['a']));
  rig.advance(179);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(2);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.effects('a').filter(({ type }) => type === 'probe')).toHaveLength(3);
});

test('of three speakers one answers, and the others are silent', () => {
  const rig = threeAtRest(key);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.doubles(key, 0)).toBe(0);
  expect(rig.reports('c')).toContainEqual(expect.objectContaining({ type: 'owner', key, node: 'a' }));
});

test('when the owner loses power its first successor answers within a quarter of a second', () => {
  const rig = threeAtRest(key);
  const from = rig.now();
  rig.crash('a');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.silence(key, from)).toBeLessThan(250);
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, 0)).toBe(0);
  const owning = rig.reports('b').find(({ type }) => type === 'owning');
  expect(owning).toMatchObject({ how: 'crash', took: expect.closeTo(210, -1) });
});

test('when owner and first successor lose power at once, the second answers within 0.3 s', () => {
  const rig = threeAtRest(key);
  rig.crash('a');
  rig.crash('b');
  rig.advance(300);
  expect(rig.answering(key)).toEqual(['c']);
});

test('when the speaker alone ends, its host says so and the successor does not wait', () => {
  const rig = threeAtRest(key);
  const from = rig.now();
  rig.kill('a');
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.silence(key, from)).toBeLessThan(160);
});

test('a frozen owner is given patience, and when it thaws it listens and yields without answering', () => {
  const rig = threeAtRest(key);
  rig.freeze('a');
  rig.advance(600);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['b']);
  rig.advance(1200);
  const seen = rig.effects('a').length;
  rig.thaw('a');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  const answers = rig
    .effects('a')
    .slice(seen)
    .filter(({ type }) => type === 'answer');
  expect(answers).toEqual([]);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('a machine that was paused for a minute is silent when it wakes, and yields', () => {
  const rig = threeAtRest(key);
  rig.freeze('a');
  rig.advance(60_000);
  rig.thaw('a', true);
  const from = rig.now();
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, from)).toBeLessThan(200);
  expect(rig.reports('a')).toContainEqual({ type: 'notOwning', key, why: 'slept' });
  expect(rig.effects('a').filter(({ type }) => type === 'answer')).toHaveLength(1);
});

test('a machine whose clock does not show its pause yields, though it first finds that nobody hears it', () => {
  const rig = threeAtRest(key);
  // Nothing passes, and time does not either for it: its next beacon is the first since.
  const recorded = rig.now();
  rig.filter((from, to) => from !== 'a' && to !== 'a');
  rig.advance(140);
  rig.crash('b');
  rig.advance(160);
  expect(rig.answering(key)).toEqual(['a', 'c']);
  rig.filter(() => true);
  rig.advance(1000);
  expect(rig.answering(key)).toEqual(['c']);
  expect(rig.doubles(key, recorded)).toBeLessThan(300);
});

test('a machine that was paused resumes what nobody took, after it has listened', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['a']));
  rig.freeze('a');
  rig.advance(60_000);
  rig.thaw('a', true);
  rig.advance(1100);
  expect(rig.answering(key)).toEqual(['a']);
});

test('an owner that was stopped for less than its patience goes on', () => {
  const rig = threeAtRest(key);
  rig.freeze('a');
  rig.advance(500);
  rig.thaw('a');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.reports('a').filter(({ type }) => type === 'notOwning')).toEqual([]);
});

test('a speaker that did not run itself suspects nobody', () => {
  const rig = threeAtRest(key);
  rig.freeze('b');
  rig.advance(400);
  const seen = rig.effects('b').length;
  rig.thaw('b');
  rig.advance(300);
  expect(
    rig
      .effects('b')
      .slice(seen)
      .map(({ type }) => type),
  ).not.toContain('diagnose');
});

test('an owner that one member does not hear is not replaced while another hears it', () => {
  const rig = threeAtRest(key);
  rig.filter((from, to) => !(from === 'a' && to === 'b'));
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('after a partition one owner is left within an interval and 150 ms: the one that took over', () => {
  const rig = threeAtRest(key);
  const sideOf = (name: string): boolean => name === 'a';
  rig.filter((from, to) => from === 'gateway' || sideOf(from) === sideOf(to));
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['a', 'b']);
  rig.filter(() => true);
  const from = rig.now();
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['b']);
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, from)).toBeLessThan(100);
  // The one that stays is announced again.
  expect(rig.effects('b').filter((effect) => effect.type === 'answer' && effect.isAgain)).toHaveLength(2);
});

test('who has yielded does not claim again for ten seconds, unless the owner dies', () => {
  const rig = threeAtRest(key);
  const sideOf = (name: string): boolean => name === 'a';
  rig.filter((from, to) => from === 'gateway' || sideOf(from) === sideOf(to));
  rig.advance(5000);
  rig.filter(() => true);
  rig.advance(500);
  expect(rig.answering(key)).toEqual(['b']);
  rig.order(orderOf(key, ['a', 'c']), ['a', 'c']);
  rig.advance(9000);
  expect(rig.answering(key)).toEqual(['b']);
  rig.advance(1000);
  expect(rig.answering(key)).toEqual(['a']);
});

test('an owner that starts again takes nothing back', () => {
  const rig = threeAtRest(key);
  rig.kill('a');
  rig.advance(20);
  rig.start('a');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('the only speaker answers again within a second after a restart', () => {
  const rig = createOwnershipRig(['a']);
  rig.start('a');
  rig.order(orderOf(key, ['a']));
  rig.advance(1000);
  rig.kill('a');
  rig.advance(1000);
  rig.start('a');
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['a']);
});

test('a recorded beacon of a former epoch, or of the same again, counts for nothing', () => {
  const rig = threeAtRest(key);
  const recorded = rig.sent().filter(({ from, message }) => from === 'a' && message.type === 'beacon');
  rig.crash('a');
  rig.advance(100);
  const replay = (): void => {
    for (const { message } of recorded.slice(-5)) {
      rig.tell('b', { type: 'received', interface: 1, from: ip('10.0.0.1'), message });
    }
  };
  replay();
  rig.advance(150);
  expect(rig.answering(key)).toEqual(['b']);
  rig.start('a');
  rig.advance(2000);
  replay();
  rig.advance(2000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('a released group is not revived by a node that knows no newer state, even if its releaser dies', () => {
  const rig = threeAtRest(key);
  rig.setMain('c', 'broken');
  for (const name of ['a', 'b']) {
    rig.tell(name, { type: 'groups', changed: [], removed: [{ key, isReleased: true, revision: 5 }] });
  }
  rig.advance(5000);
  expect(rig.answering(key)).toEqual([]);
  rig.crash('a');
  rig.advance(100_000);
  expect(rig.answering(key)).toEqual([]);
  rig.order(orderOf(key, ['c'], { revision: 6 }));
  rig.setMain('c', 'current');
  rig.advance(1000);
  expect(rig.answering(key)).toEqual(['c']);
});

test('a released group is claimed by nobody whose order is not newer, though its watch is current', () => {
  const rig = threeAtRest(key);
  rig.tell('a', { type: 'groups', changed: [], removed: [{ key, isReleased: true, revision: 5 }] });
  rig.advance(5000);
  expect(rig.answering(key)).toEqual([]);
  rig.order(orderOf(key, ['b', 'c'], { revision: 6 }), ['b', 'c']);
  rig.advance(500);
  expect(rig.answering(key)).toEqual(['b']);
});

test('a group that was released on one side of a partition is given up on the other', () => {
  const rig = threeAtRest(key);
  const sideOf = (name: string): boolean => name === 'a';
  rig.filter((from, to) => from === 'gateway' || sideOf(from) === sideOf(to));
  rig.advance(1000);
  expect(rig.answering(key)).toEqual(['a', 'b']);
  rig.tell('a', { type: 'groups', changed: [], removed: [{ key, isReleased: true, revision: 5 }] });
  rig.filter(() => true);
  rig.advance(2000);
  expect(rig.answering(key)).toEqual([]);
  expect(rig.reports('b')).toContainEqual({ type: 'notOwning', key, why: 'released' });
});

test('changes that are lost are found by the digest', () => {
  const rig = threeAtRest(key);
  const other = ip('192.0.2.2');
  rig.filter(
    (from, to, _segment, message) =>
      !(from === 'a' && to === 'c' && message?.type === 'beacon' && message.changes.length > 0),
  );
  rig.order(orderOf(other, ['a', 'b', 'c']));
  rig.advance(1000);
  expect(rig.reports('c')).toContainEqual(expect.objectContaining({ type: 'owner', key: other, node: 'a' }));
});

test('a speaker whose watch is broken takes over what a dead owner held, but claims nothing new', () => {
  const rig = threeAtRest(key);
  rig.setMain('b', 'broken');
  const other = ip('192.0.2.2');
  rig.order(orderOf(other, ['b', 'c']));
  rig.advance(200);
  expect(rig.answering(other)).toEqual([]);
  rig.advance(300);
  expect(rig.answering(other)).toEqual(['c']);
  rig.crash('a');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['b']);
});

test('a speaker that starts among others claims nothing before it knows their claims', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.order(orderOf(key, ['b', 'a']));
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['a']);
  rig.start('b');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('claims of hundreds of groups reach a member that starts, and move in one crash', () => {
  const names = ['a', 'b', 'c'];
  const rig = createOwnershipRig(names);
  rig.start('a');
  rig.start('b');
  const keys = Array.from({ length: 600 }, (_, index) => ip(`198.51.${index >> 8}.${index & 255}`));
  for (const each of keys) rig.order(orderOf(each, names));
  rig.advance(3000);
  rig.start('c');
  rig.advance(2000);
  expect(keys.filter((each) => rig.answering(each).join() === 'a')).toHaveLength(600);
  rig.crash('a');
  rig.advance(250);
  expect(keys.filter((each) => rig.answering(each).join() === 'b')).toHaveLength(600);
  rig.advance(2000);
  rig.crash('b');
  rig.advance(250);
  expect(keys.filter((each) => rig.answering(each).join() === 'c')).toHaveLength(600);
});

test('beacons come every 50 ms from an owner and every second from others', () => {
  const rig = threeAtRest(key);
  const from = rig.now();
  rig.advance(10_000);
  const count = (name: string): number => rig.sent().filter((each) => each.at > from && each.from === name).length;
  expect(count('a')).toBe(200);
  expect(count('b')).toBe(10);
});
