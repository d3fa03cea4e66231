import type { Millis } from '../../lib/time.ts';

/** One call to the API server. */
export type ApiRequest = {
  /** Default: GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, already escaped, without query: `/api/v1/services`. `resources.ts` makes them. */
  readonly path: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/merge-patch+json` for PATCH, else `application/json`. */
  readonly contentType?:
    | 'application/json'
    | 'application/merge-patch+json'
    | 'application/json-patch+json'
    | 'application/strategic-merge-patch+json'
    | 'application/apply-patch+yaml';
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long the whole call may take; default 30 s. For `stream`: until the headers have come. */
  readonly deadline?: Millis;
  /**
   * The server, too, gives the call up at the deadline: it is sent the parameter `timeout` with what is left when the
   * call goes on its way, which may be long after it was made.
   */
  readonly limitsServer?: boolean;
};

/** The API server, as the rest of the program sees it. */
export type Api = {
  /**
   * Makes one call and gives the parsed JSON of the answer. Rejects with `ApiError` if the server refuses, with
   * `ApiUnreachable` if there is no answer in time. Never retries.
   */
  readonly request: (request: ApiRequest) => Promise<unknown>;
  /** Makes one call and gives the body as it comes (watches). Fails as `request` does, also in mid-body. */
  readonly stream: (request: ApiRequest) => Promise<AsyncIterable<Uint8Array>>;
  /** Closes idle connections; calls under way end by their own signals. */
  readonly close: () => void;
};

/** The API server answered, and the answer is no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status, or `code` of the Status object in a watch. */
  readonly status: number;
  /** `reason` of the Status object (`NotFound`, `Conflict`, `Expired`…); empty if the server gave none. */
  readonly reason: string;
  /** How long the server asks to be left alone, if it does. */
  readonly retryAfter: Millis | undefined;

  constructor(status: number, reason: string, message: string, retryAfter?: Millis) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** No answer could be had: `cause` says why. */
export class ApiUnreachable extends Error {
  override readonly name: string = 'ApiUnreachable';

  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

/** Whether the server said that the object does not exist. */
export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** Whether the object was changed since it was read. */
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.reason === 'Conflict';

/** Whether an object of that name exists already. */
export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === 'AlreadyExists';

/** Whether what was asked for is no longer kept: a watch must list again. */
export const isExpired = (error: unknown): boolean => error instanceof ApiError && error.status === 410;
