import { expect, test } from 'vitest';
import { millis } from '../../lib/time.ts';
import { createContext } from './context.ts';

const options = { node: 'a', epoch: 1n, random64: () => 1n, hasBeacon: true, isProbing: true };

test('what a step is late by is taken off the time in which others may be silent', () => {
  const context = createContext(options);
  context.begin(millis(1000), millis(0));
  expect(context.awake()).toBe(1000);
  expect(context.begin(millis(1400), millis(1100))).toBe(300);
  expect(context.now()).toBe(1400);
  expect(context.awake()).toBe(1100);
});

test('a step before it was asked for, or a little late, is on time', () => {
  const context = createContext(options);
  context.begin(millis(1000), millis(0));
  expect(context.begin(millis(1010), millis(1100))).toBe(0);
  expect(context.begin(millis(1104), millis(1100))).toBe(0);
  expect(context.awake()).toBe(1104);
});

test('steps that follow each other while a deadline is overdue do not count the same time twice', () => {
  const context = createContext(options);
  context.begin(millis(1000), millis(0));
  context.begin(millis(1400), millis(1100));
  context.begin(millis(1401), millis(1100));
  context.begin(millis(1402), millis(1100));
  expect(context.awake()).toBe(1102);
});

test('effects come out once, in order', () => {
  const context = createContext(options);
  context.begin(millis(0), millis(0));
  context.send(1, 'all', { type: 'claimsWanted' });
  context.report({ type: 'ended' });
  expect(context.end().map(({ type }) => type)).toEqual(['send', 'report']);
  expect(context.end()).toEqual([]);
});
