/** Facts beside a message; values must be plain data. An `Error` under `error` is written with its cause. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line: a constant message, and what varies as fields. */
export type LogWrite = (message: string, fields?: LogFields) => void;

/** Where a program tells what it does. Inner code takes it as an argument; `src/observe/log.ts` has the real one. */
export type Log = {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  readonly error: LogWrite;
  /** A log whose every line carries `fields` as well, for example the component or the service. */
  readonly child: (fields: LogFields) => Log;
};
