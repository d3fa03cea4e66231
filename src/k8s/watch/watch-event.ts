import { filled, object } from '../../lib/json.ts';
import { ApiUnreachable, type ApiError } from '../client/api.ts';
import { parseWithoutManagedFields } from './managed-fields.ts';
import { statusError } from '../client/status.ts';

/** One line of a watch. */
export type WatchEvent =
  /** The object is there now, new or changed. */
  | { readonly type: 'present'; readonly raw: unknown; readonly resourceVersion: string | undefined }
  | { readonly type: 'deleted'; readonly raw: unknown; readonly resourceVersion: string | undefined }
  /** Nothing happened up to this version. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string | undefined }
  /** The watch is over. */
  | { readonly type: 'error'; readonly error: ApiError };

/**
 * Reads one line, with the object's managed fields if they are wanted. Throws `ApiUnreachable` on what is no watch event:
 * the connection cannot be trusted any more.
 */
export const parseWatchEvent = (line: string, keepsManagedFields = false): WatchEvent => {
  const event = object(parseJson(line, keepsManagedFields));
  const raw = event['object'];
  const resourceVersion = versionOf(raw);
  switch (event['type']) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'present', raw, resourceVersion };
    case 'DELETED':
      return { type: 'deleted', raw, resourceVersion };
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion };
    case 'ERROR':
      return { type: 'error', error: statusError(raw) };
    default:
      throw new ApiUnreachable(`a watch event of unknown type ${JSON.stringify(event['type'])}`, undefined);
  }
};

/**
 * Parses an object that an API server sent, without its managed fields unless they are wanted. Throws `ApiUnreachable` if
 * it is no JSON, without a cause: that would quote the object, which may be a Secret, and errors are logged.
 */
export const parseJson = (json: string, keepsManagedFields = false): unknown => {
  try {
    return keepsManagedFields ? JSON.parse(json) : parseWithoutManagedFields(json);
  } catch {
    throw new ApiUnreachable('an answer that is no JSON', undefined);
  }
};

/** `metadata.resourceVersion` of an object or a list; opaque text. */
export const versionOf = (raw: unknown): string | undefined =>
  filled(object(object(raw)['metadata'])['resourceVersion']);
