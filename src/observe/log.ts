import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { isObject } from '../lib/json.ts';
import type { Log, LogFields, LogWrite } from '../lib/log.ts';

/** The values of MetalLB's `--log-level`: everything, or from that severity on, or nothing. */
export const logLevels = ['all', 'debug', 'info', 'warn', 'error', 'none'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogOptions = {
  readonly level: LogLevel;
  /** Fields of every line. */
  readonly fields?: LogFields;
  /** Where the lines go; default: standard output, written at once so that a crash loses none. */
  readonly sink?: DestinationStream;
};

/** Fields that could carry a secret by accident; their values are never written. */
const secretFields = new Set(['authorization', 'token', 'password', 'secretkey', 'key', 'cert']);

const hidden = '[redacted]';

const pinoLevels = { all: 'trace', none: 'silent' } as const;

/** Makes the real log: one JSON object per line with `level`, `ts` (RFC 3339), the fields and `msg`. */
export const createLog = ({ level, fields = {}, sink = destination({ fd: 1, sync: true }) }: LogOptions): Log => {
  const logger = pino(
    {
      base: plain(fields),
      level: level === 'all' || level === 'none' ? pinoLevels[level] : level,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => stdTimeFunctions.isoTime().replace('"time"', '"ts"'),
    },
    sink,
  );
  return wrap(logger);
};

const wrap = (logger: Logger): Log => {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error'): LogWrite =>
    (message, fields) => {
      if (fields === undefined) logger[level](message);
      else if (logger.isLevelEnabled(level)) logger[level](plain(fields), message);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(plain(fields))),
  };
};

/**
 * The fields as they are written: errors described, for they have no enumerable fields, and secrets hidden, here and one
 * level down. By hand, because pino's own hiding takes longer than the rest of a line.
 */
const plain = (fields: LogFields): Record<string, unknown> => mapFields(fields, plainValue);

const plainValue = (value: unknown): unknown => {
  if (value instanceof Error) return describeError(value);
  return isObject(value) ? mapFields(value, (inner) => inner) : value;
};

const mapFields = (fields: LogFields, map: (value: unknown) => unknown): Record<string, unknown> => {
  const mapped: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) mapped[name] = secretFields.has(name) ? hidden : map(fields[name]);
  return mapped;
};

const describeError = (value: unknown): unknown =>
  value instanceof Error
    ? { name: value.name, message: value.message, stack: value.stack, cause: describeError(value.cause) }
    : value;
