import type { WallTime } from '../lib/time.ts';

/** A time in the API's words: RFC 3339, in whole seconds, since the API server keeps no fractions. */
export const timestamp = (time: WallTime): string => `${new Date(time).toISOString().slice(0, 19)}Z`;
