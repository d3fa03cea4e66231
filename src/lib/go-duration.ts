import { err, ok, type Result } from './result.ts';
import { type Millis, millis } from './time.ts';

const unitMillis: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3, // the micro sign; escaped, because V8 keeps a file with it in two octets per character
  '\u03bcs': 1e-3, // the Greek letter
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const durationPart = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/gy;

/** Go counts nanoseconds in 63 bits. */
const longest = 2 ** 63 * 1e-6;

/** Reads a duration as Go writes it: numbers with units, a sign before them; `0` needs no unit. */
export const parseDuration = (text: string): Result<Millis> => {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '');
  if (digits === '0') return ok(millis(0));
  const parts = [...digits.matchAll(durationPart)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (parts.length === 0 || length !== digits.length) return err('parse error');
  const total = parts.reduce((sum, [, number = '', unit = '']) => sum + Number(number) * (unitMillis[unit] ?? 0), 0);
  return total < longest ? ok(millis(sign * total)) : err('parse error');
};

/** Writes a duration as Go does: `1m30s`, `300ms`, `2.5s`, `0s`. */
export const formatDuration = (duration: Millis): string => {
  const sign = duration < 0 ? '-' : '';
  const nanos = BigInt(Math.round(Math.abs(duration) * 1e6));
  if (nanos === 0n) return '0s';
  if (nanos < 1_000n) return `${sign}${nanos}ns`;
  if (nanos < 1_000_000n) return `${sign}${decimal(nanos, 1_000n)}\u00b5s`;
  if (nanos < 1_000_000_000n) return `${sign}${decimal(nanos, 1_000_000n)}ms`;
  const minutes = nanos / 60_000_000_000n;
  const rest = `${decimal(nanos % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return `${sign}${rest}`;
  return minutes < 60n ? `${sign}${minutes}m${rest}` : `${sign}${minutes / 60n}h${minutes % 60n}m${rest}`;
};

/** `nanos` in a unit of so many nanoseconds, without trailing zeros. */
const decimal = (nanos: bigint, unit: bigint): string => {
  const places = unit.toString().length - 1;
  const fraction = (nanos % unit).toString().padStart(places, '0').replace(/0+$/, '');
  return fraction === '' ? `${nanos / unit}` : `${nanos / unit}.${fraction}`;
};
