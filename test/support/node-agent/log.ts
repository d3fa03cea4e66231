import type { Log, LogWrite } from '../../../src/lib/log.ts';

/** A log that writes lines of JSON with the given fields to standard error; an `error` is written as its message. */
export const makeLog = (constant: Readonly<Record<string, unknown>>): Log => {
  const write: LogWrite = (message, fields = {}) => {
    const plain = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describe(value) : value]);
    const line = { time: new Date().toISOString(), message, ...constant, ...Object.fromEntries(plain) };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  const child = (fields: Readonly<Record<string, unknown>>): Log => makeLog({ ...constant, ...fields });
  return { debug: () => {}, info: write, warn: write, error: write, child };
};

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
