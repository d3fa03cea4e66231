import { isObject, object, text } from '../../src/lib/json.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { HttpAnswer, HttpRequest } from '../../src/observe/http/request-listener.ts';
import { plainText } from '../../src/observe/http/request-listener.ts';

/** What the API server posts to a webhook: an envelope of the API group's own version around one request. */
export type Review = {
  readonly apiVersion: string;
  readonly kind: string;
  /** To be repeated in the answer. */
  readonly uid: string;
  readonly request: Readonly<Record<string, unknown>>;
};

/** Opens the envelope. The error is what to answer somebody who is not an API server of ours. */
export const readReview = (
  { headers, body }: HttpRequest,
  kind: string,
  apiVersions: readonly string[],
): Result<Review, HttpAnswer> => {
  const mediaType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') return err(plainText(415, 'the content type must be application/json\n'));
  let review: unknown;
  try {
    review = JSON.parse(body.toString('utf8'));
  } catch {
    return err(plainText(400, 'the body is not JSON\n'));
  }
  const { apiVersion, kind: givenKind, request } = object(review);
  const version = apiVersions.find((known) => known === apiVersion);
  if (version === undefined || givenKind !== kind) {
    return err(plainText(400, `the body is not a ${kind} of ${apiVersions.join(' or ')}\n`));
  }
  const uid = isObject(request) ? text(request['uid']) : undefined;
  return uid === undefined
    ? err(plainText(400, `the ${kind} has no request with a uid\n`))
    : ok({ apiVersion: version, kind, uid, request: object(request) });
};

/** Puts an answer into the same envelope. */
export const writeReview = (
  { apiVersion, kind, uid }: Review,
  response: Readonly<Record<string, unknown>>,
): HttpAnswer => ({
  status: 200,
  contentType: 'application/json',
  body: JSON.stringify({ apiVersion, kind, response: { uid, ...response } }),
});
