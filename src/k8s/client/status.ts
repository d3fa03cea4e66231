import { isObject, text } from '../../lib/json.ts';
import { millis, type Millis } from '../../lib/time.ts';
import { ApiError } from './api.ts';

/** The longest text of an answer that is no Status object which an error repeats. */
const longestQuote = 200;

/** The error for an answer whose HTTP status is a no; `body` should be a Status object. */
export const refusal = (status: number, retryAfter: string | undefined, body: Uint8Array): ApiError => {
  const content = new TextDecoder().decode(body);
  const pause = parseRetryAfter(retryAfter);
  const parsed = parseJson(content);
  if (isObject(parsed) && parsed['kind'] === 'Status') return statusError(parsed, status, pause);
  return new ApiError(status, '', `HTTP ${status}: ${content.trim().slice(0, longestQuote)}`, pause);
};

/** The error that a Status object says, as it stands in an answer or in an ERROR event of a watch. */
export const statusError = (status: unknown, code = 500, retryAfter?: Millis): ApiError => {
  if (!isObject(status)) return new ApiError(code, '', 'a Status that is no object', retryAfter);
  const details = isObject(status['details']) ? status['details'] : {};
  const pause = details['retryAfterSeconds'];
  return new ApiError(
    typeof status['code'] === 'number' ? status['code'] : code,
    text(status['reason']) ?? '',
    text(status['message']) ?? `HTTP ${code}`,
    retryAfter ?? (typeof pause === 'number' && pause > 0 ? millis(pause * 1000) : undefined),
  );
};

/** Only the form in seconds: kube-apiserver sends no other. */
const parseRetryAfter = (value: string | undefined): Millis | undefined =>
  value !== undefined && /^\d{1,6}$/.test(value) ? millis(Number(value) * 1000) : undefined;

const parseJson = (content: string): unknown => {
  try {
    return JSON.parse(content);
  } catch {
    return undefined; // a proxy's own page, for example
  }
};
