/** The outcome of reading input that may be bad: a value, or an error that says what is wrong with it. */
export type Result<T, E = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Wraps a good value. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

/** Wraps what is wrong. */
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });
