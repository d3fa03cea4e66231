import { expect } from 'vitest';
import type { LogLine } from './controller-process.ts';
import type { Call } from './fault-proxy.ts';

/**
 * A watch that breaks whenever it has told something is opened anew after 0.1 to 0.3 s, so five times a second; where a
 * list goes before, that makes ten calls.
 */
const mostPerSecond = 10;

/**
 * Asserts that what one watch wanted, or one object, was asked for ten times a second at most while `seconds` passed.
 * `events` more are written at once.
 */
export const expectNoHotLoop = (calls: readonly Call[], seconds: number, events: number): void => {
  const purposes = Map.groupBy(calls, ({ method, path, query, isWrite }) =>
    isWrite ? `${method} ${path}` : `GET ${path} ${query.get('labelSelector') ?? ''}`,
  );
  const most = mostPerSecond * (seconds + 1);
  const tooMany = [...purposes].filter(
    ([purpose, { length }]) => length > (purpose.endsWith('/events') ? events + most : most),
  );
  expect(tooMany.map(([purpose, { length }]) => `${length} × ${purpose} in ${seconds} s`)).toEqual([]);
};

/** Asserts that no line of a log, its time and numbers aside, comes more than `times`. */
export const expectNoBabble = (lines: readonly LogLine[], times: number): void => {
  const kinds = Map.groupBy(lines, ({ level, msg, path, service, reason, name }) =>
    JSON.stringify([level, msg, path, service, reason, name]),
  );
  const tooMany = [...kinds].filter(([, { length }]) => length > times);
  expect(tooMany.map(([line, { length }]) => `${length} × ${line}`)).toEqual([]);
};
