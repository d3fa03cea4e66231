/** Writes one line of JSON to standard error; an `error` among the fields is written as its message. */
export type Log = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A log whose lines carry the given fields. */
export const makeLog =
  (constant: Readonly<Record<string, unknown>>): Log =>
  (message, fields = {}) => {
    const plain = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describe(value) : value]);
    const line = { time: new Date().toISOString(), message, ...constant, ...Object.fromEntries(plain) };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
