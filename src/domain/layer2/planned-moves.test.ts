import { describe, expect, test } from 'vitest';
import { ipFromNumber, type Ip } from '../../lib/ip.ts';
import { millis, type Millis, seconds } from '../../lib/time.ts';
import { type Balance, type MoveView, type OwnedGroup, planMoves } from './planned-moves.ts';

const key = '10.0.0.1' as Ip;
const group = (scores: Readonly<Record<string, number>>, number = 1): OwnedGroup => ({
  key: ipFromNumber('IPv4', BigInt(0x0a00_0000 + number)),
  candidates: Object.entries(scores).map(([node, score]) => ({ node, score })),
  order: Object.keys(scores),
});

/** Node a owns; every other node has been up since 0 unless told otherwise. */
const view = (
  now: Millis,
  { up = {}, ...changes }: Partial<MoveView> & { up?: Readonly<Record<string, number | undefined>> } = {},
): MoveView => ({
  self: 'a',
  now,
  upSince: (node) => (node in up ? (up[node] as Millis | undefined) : millis(0)),
  notReadySince: undefined,
  balance: undefined,
  ...changes,
});
const nothing = { moves: [], next: undefined };

test('an owner that is a candidate like the others keeps its groups', () => {
  expect(planMoves([group({ a: 0, b: 0, c: 0 })], view(seconds(1000)))).toEqual(nothing);
});

test('an owner that is no candidate any more hands over at once to the first that is; to nobody if none is', () => {
  expect(planMoves([group({ b: 0, c: 0 })], view(seconds(0), { up: { b: undefined } }))).toEqual({
    moves: [{ key, to: 'b', why: 'notCandidate' }],
    next: undefined,
  });
  expect(planMoves([group({})], view(seconds(0)))).toEqual(nothing);
});

describe('an owner that is not ready', () => {
  const notReadySince = seconds(100);

  test('hands over after 10 s to the most preferred that is up', () => {
    const groups = [group({ a: 9, b: 0, c: 5, d: 7 })];
    const up = { d: undefined };
    expect(planMoves(groups, view(millis(109_999), { notReadySince, up }))).toEqual({ moves: [], next: seconds(110) });
    expect(planMoves(groups, view(seconds(110), { notReadySince, up })).moves).toEqual([
      { key, to: 'c', why: 'notReady' },
    ]);
  });

  test('keeps its groups while nobody else is up', () => {
    const up = { b: undefined, c: undefined };
    expect(planMoves([group({ a: 0, b: 0, c: 0 })], view(seconds(500), { notReadySince, up }))).toEqual(nothing);
  });
});

describe('a preferred node', () => {
  test('gets the group when it has been up for 60 s', () => {
    const groups = [group({ a: 1, b: 0, c: 2 })];
    const up = { c: seconds(40) };
    expect(planMoves(groups, view(millis(99_999), { up }))).toEqual({ moves: [], next: seconds(100) });
    expect(planMoves(groups, view(seconds(100), { up })).moves).toEqual([{ key, to: 'c', why: 'preferred' }]);
  });

  test('gets it at once if it has long been up and becomes preferred by a label', () => {
    expect(planMoves([group({ a: 0, b: 1 })], view(seconds(100))).moves).toEqual([{ key, to: 'b', why: 'preferred' }]);
  });

  test('of several the most preferred one, of equal ones the first in order', () => {
    const groups = [group({ b: 1, c: 3, a: 0, d: 3 })];
    expect(planMoves(groups, view(seconds(100))).moves).toEqual([{ key, to: 'c', why: 'preferred' }]);
  });

  test('that is not up gets nothing', () => {
    expect(planMoves([group({ a: 0, b: 1 })], view(seconds(100), { up: { b: undefined } }))).toEqual(nothing);
  });
});

describe('the busiest node', () => {
  const groups = Array.from({ length: 9 }, (_, index) => group({ a: 0, b: 0, c: 0 }, index + 1));
  const balance = (loads: Readonly<Record<string, number>>, lastMove?: Millis): Balance => ({
    loads: new Map(Object.entries(loads)),
    lastMove,
  });
  const grown = { a: 9, b: 8, c: 1 };

  test('gives one group to the least loaded', () => {
    const plan = planMoves(groups, view(seconds(100), { balance: balance(grown) }));
    expect(plan.moves).toHaveLength(1);
    expect(plan.moves[0]).toMatchObject({ to: 'c', why: 'rebalance' });
  });

  test('waits a minute after any move in the cluster, and until the other has been up for a minute', () => {
    const moved = { balance: balance(grown, seconds(70)) };
    expect(planMoves(groups, view(seconds(129), moved))).toEqual({ moves: [], next: seconds(130) });
    expect(planMoves(groups, view(seconds(130), moved)).moves).toHaveLength(1);
    const young = { balance: balance(grown), up: { c: seconds(90) } };
    expect(planMoves(groups, view(seconds(149), young))).toEqual({ moves: [], next: seconds(150) });
  });

  test.each([
    ['another is busier', { a: 9, b: 10, c: 1 }],
    ['another comes first among equals', { A: 9, a: 9, b: 9, c: 1 }],
    ['it is within a quarter of the mean', { a: 10, b: 8, c: 8 }],
    ['the other would be as busy then', { a: 2, b: 1, c: 1 }],
  ])('keeps what it has if %s', (_, loads) => {
    expect(planMoves(groups, view(seconds(1000), { balance: balance(loads) }))).toEqual(nothing);
  });

  test('gives nothing to a node that is less preferred, or no candidate', () => {
    const less = [group({ a: 1, b: 0, c: 0 }), group({ a: 0 }, 2)];
    expect(planMoves(less, view(seconds(1000), { balance: balance(grown) }))).toEqual(nothing);
  });

  test('levels growth, one move at a time, and stops', () => {
    let loads: Record<string, number> = { a: 20, b: 20, c: 0 };
    let steps = 0;
    for (; ; steps++) {
      const move = Object.keys(loads).flatMap((self) => {
        const owned = Array.from({ length: loads[self]! }, (_, index) => group({ a: 0, b: 0, c: 0 }, index + 1));
        return planMoves(owned, view(seconds(10_000), { self, balance: balance(loads) })).moves.map(({ to }) => ({
          self,
          to,
        }));
      });
      expect(move.length).toBeLessThanOrEqual(1);
      if (move[0] === undefined) break;
      loads = { ...loads, [move[0].self]: loads[move[0].self]! - 1, [move[0].to]: loads[move[0].to]! + 1 };
    }
    expect([steps, loads]).toEqual([8, { a: 16, b: 16, c: 8 }]);
  });
});
