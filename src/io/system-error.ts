import { getSystemErrorName } from 'node:util';

/** A system call failed. */
export class SystemError extends Error {
  /** The name of the error, such as `ENODEV`. */
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${syscall}: ${code}`);
    this.name = 'SystemError';
    this.code = code;
    this.syscall = syscall;
  }
}

/** Whether a system call failed with one of these errors. */
export const isSystemError = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof SystemError && codes.includes(error.code);
