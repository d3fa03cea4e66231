import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
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
const secretFields = ['authorization', 'token', 'password', 'secretkey', 'key', 'cert'];

const hidden = '[redacted]';

const pinoLevels = { all: 'trace', none: 'silent' } as const;

/** Makes the real log: one JSON object per line with `level`, `ts` (RFC 3339), the fields and `msg`. */
export const createLog = ({ level, fields = {}, sink = destination({ fd: 1, sync: true }) }: LogOptions): Log => {
  const logger = pino(
    {
      base: fields,
      level: level === 'all' || level === 'none' ? pinoLevels[level] : level,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => stdTimeFunctions.isoTime().replace('"time"', '"ts"'),
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: hidden },
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

/** An `Error` has no enumerable fields and would be written as `{}`. */
const plain = (fields: LogFields): LogFields =>
  Object.values(fields).some((value) => value instanceof Error)
    ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, describeError(value)]))
    : fields;

const describeError = (value: unknown): unknown =>
  value instanceof Error
    ? { name: value.name, message: value.message, stack: value.stack, cause: describeError(value.cause) }
    : value;
