import type { Log } from '../../src/lib/log.ts';

const nothing = (): void => {};

/** Writes nothing. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
};
