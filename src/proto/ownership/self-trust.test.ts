import { expect, test } from 'vitest';
import { createOwnershipRig, ip, orderOf, threeAtRest } from '../../../test/support/ownership-rig.ts';
import { millis } from '../../lib/time.ts';

const key = ip('192.0.2.1');

test('an owner that cannot send is replaced and gives up', () => {
  const rig = threeAtRest(key);
  const from = rig.now();
  rig.filter((sender) => sender !== 'a');
  rig.advance(800);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, from)).toBeLessThan(10);
});

test('an owner that cannot send, and that no other candidate replaces, falls silent; it resumes when it is heard', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['a']));
  rig.filter((sender) => sender !== 'a');
  rig.advance(3000);
  expect(rig.answering(key)).toEqual([]);
  expect(rig.reports('a')).toContainEqual({ type: 'notOwning', key, why: 'isolated' });
  rig.filter(() => true);
  rig.advance(3000);
  expect(rig.answering(key)).toEqual(['a']);
});

test('a node that is cut off from everything takes nothing over and gives up what it has', () => {
  const rig = threeAtRest(key);
  const other = ip('192.0.2.2');
  rig.order(orderOf(other, ['b', 'a']));
  rig.advance(1000);
  rig.filter((from, to) => from !== 'a' && to !== 'a');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.answering(other)).toEqual(['b']);
  expect(rig.doubles(other, 0)).toBe(0);
  expect(rig.reports('a')).toContainEqual({ type: 'notOwning', key, why: 'isolated' });
  const from = rig.now();
  rig.filter(() => true);
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.answering(other)).toEqual(['b']);
  expect(rig.doubles(key, from) + rig.silence(key, from)).toBe(0);
});

test('a node that is cut off stays silent though gossip tells it that it is alone', () => {
  const rig = threeAtRest(key);
  rig.filter((from, to) => from !== 'a' && to !== 'a');
  rig.advance(5000);
  rig.tell('a', { type: 'members', members: [], isComplete: true });
  rig.advance(20_000);
  expect(rig.answering(key)).toEqual(['b']);
});

test('the last of several speakers goes on when the others have left', () => {
  const rig = threeAtRest(key);
  for (const name of ['b', 'c']) {
    rig.tell(name, { type: 'leave', by: millis(rig.now() + 1000) });
    rig.advance(100);
    rig.crash(name);
  }
  rig.tell('a', { type: 'members', members: [], isComplete: true });
  rig.filter(() => false);
  rig.advance(20_000);
  expect(rig.answering(key)).toEqual(['a']);
});

test('a node that was cut off from everything resumes what nobody took', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['a']));
  rig.filter((from, to) => from !== 'a' && to !== 'a');
  rig.advance(5000);
  expect(rig.answering(key)).toEqual([]);
  rig.filter(() => true);
  rig.advance(1500);
  expect(rig.answering(key)).toEqual(['a']);
});

test('of two nodes the one that is left takes over if frames of others still come', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.start('b');
  rig.order(orderOf(key, ['a', 'b']));
  rig.advance(3000);
  rig.crash('a');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['b']);
});

test('an owner that loses carrier of its only interface is silent, and resumes what nobody took when it is back', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['a']));
  rig.setCarrier('a', 0, false);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(2000);
  rig.setCarrier('a', 0, true);
  rig.advance(100);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(100);
  expect(rig.answering(key)).toEqual(['a']);
});

test('an owner that loses carrier of its only interface is replaced, and takes nothing back', () => {
  const rig = threeAtRest(key);
  rig.setCarrier('a', 0, false);
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['b']);
  rig.advance(5000);
  const from = rig.now();
  rig.setCarrier('a', 0, true);
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.doubles(key, from)).toBe(0);
});

test('an owner that loses carrier of one of two interfaces hands over by the other, at once', () => {
  const rig = threeAtRest(key, 2);
  const from = rig.now();
  rig.setCarrier('a', 1, false);
  rig.advance(10);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.silence(key, from)).toBe(0);
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual(['b']);
});

test('an owner that others no longer hear on one of two segments is told so and hands over', () => {
  const rig = threeAtRest(key, 2);
  const from = rig.now();
  rig.filter((sender, receiver, segment) => segment === 0 || (sender !== 'a' && receiver !== 'a'));
  rig.advance(800);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.silence(key, from)).toBe(0);
});

test('a successor that has lost a segment comes after one that has all', () => {
  const rig = threeAtRest(key, 2);
  rig.setCarrier('b', 1, false);
  rig.advance(5000);
  rig.crash('a');
  rig.advance(300);
  expect(rig.answering(key)).toEqual(['c']);
  expect(rig.effects('b').map(({ type }) => type)).not.toContain('answer');
  rig.crash('c');
  rig.advance(1500);
  expect(rig.answering(key)).toEqual(['b']);
});

test('a segment that all have lost moves nothing', () => {
  const rig = threeAtRest(key, 2);
  for (const name of ['b', 'c', 'a']) rig.setCarrier(name, 1, false);
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual(['a']);
});
