import { createHash } from 'node:crypto';
import { filled, list, object, text } from '../lib/json.ts';
import type { Log } from '../lib/log.ts';
import { type Clock, millis, type Millis, seconds } from '../lib/time.ts';
import type { Api } from './client/api.ts';
import { collectionPath, type Resource, resources } from './resources.ts';

/** Why somebody does not get the metrics: not known, no right, or the API server could not be asked. */
export type AccessRefusal = { readonly status: 401 | 403 | 503; readonly message: string };

/** Judges the header `Authorization` of a request; undefined lets it pass. */
export type MetricsAccess = (authorization: string | undefined) => Promise<AccessRefusal | undefined>;

export type MetricsAccessOptions = { readonly api: Api; readonly clock: Clock; readonly log: Log };

/**
 * How long an answer of the API server holds. A right that was taken away ends with the first; the others keep a scraper
 * that asks all the time from having the API server asked all the time.
 */
const rememberedFor = { allowed: seconds(60), refused: seconds(10), unavailable: seconds(2) } as const;

/** Answers that are remembered, and tokens under review, at a time: whoever reaches the port can invent tokens. */
const mostRemembered = 128;
const mostReviews = 8;

/** Shorter than Prometheus waits (10 s), for two calls. */
const callDeadline: Millis = seconds(4);

/** What may be asked for: as Prometheus is granted it for every component of Kubernetes. */
const nonResourceAttributes = { path: '/metrics', verb: 'get' } as const;

type Remembered = { readonly refusal: AccessRefusal | undefined; readonly until: Millis };

/** Asks the API server who a token belongs to (TokenReview) and what its owner may (SubjectAccessReview). */
export const createMetricsAccess = ({ api, clock, log }: MetricsAccessOptions): MetricsAccess => {
  const known = new Map<string, Remembered>();
  const underReview = new Map<string, Promise<AccessRefusal | undefined>>();

  const remember = (key: string, refusal: AccessRefusal | undefined): void => {
    known.delete(key);
    if (known.size >= mostRemembered) {
      // A flood of invented tokens must not push out the ones that are good.
      const victim = [...known].find((entry) => entry[1].refusal !== undefined) ?? [...known][0];
      if (victim !== undefined) known.delete(victim[0]);
    }
    known.set(key, { refusal, until: millis(clock.now() + lifetime(refusal)) });
  };

  const judge = async (key: string, token: string): Promise<AccessRefusal | undefined> => {
    const refusal = await review(api, token).catch((error: unknown) => {
      log.warn('nobody can say who may read the metrics', { error });
      return { status: 503, message: 'the API server cannot be asked who may read this' } as const;
    });
    remember(key, refusal);
    return refusal;
  };

  return async (authorization = '') => {
    const token = /^Bearer +(?<token>[\w.~+/=-]+)$/i.exec(authorization)?.groups?.['token'];
    if (token === undefined) return { status: 401, message: 'a bearer token is needed' };
    // The token itself is kept nowhere.
    const key = createHash('sha256').update(token).digest('base64');
    const remembered = known.get(key);
    if (remembered !== undefined && clock.now() < remembered.until) return remembered.refusal;
    const running = underReview.get(key);
    if (running !== undefined) return running;
    if (underReview.size >= mostReviews) return { status: 503, message: 'too many tokens are under review' };
    const judged = judge(key, token).finally(() => underReview.delete(key));
    underReview.set(key, judged);
    return judged;
  };
};

const lifetime = (refusal: AccessRefusal | undefined): Millis => {
  if (refusal === undefined) return rememberedFor.allowed;
  return refusal.status === 503 ? rememberedFor.unavailable : rememberedFor.refused;
};

/** Rejects if the API server does not answer, or does not let us ask. */
const review = async (api: Api, token: string): Promise<AccessRefusal | undefined> => {
  const { authenticated, user } = await ask(api, resources.tokenReviews, { token });
  const { username, uid, groups, extra } = object(user);
  const name = filled(username);
  if (authenticated !== true || name === undefined) return { status: 401, message: 'the token is not valid' };
  const { allowed } = await ask(api, resources.subjectAccessReviews, {
    user: name,
    uid: text(uid),
    groups: list(groups),
    extra: object(extra),
    nonResourceAttributes,
  });
  if (allowed === true) return undefined;
  const { verb, path } = nonResourceAttributes;
  return { status: 403, message: `${JSON.stringify(name)} is not allowed to ${verb} ${path}` };
};

/** Creates a review, which the API server answers in the status and does not keep. */
const ask = async (
  api: Api,
  resource: Resource,
  spec: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> => {
  const { apiVersion, kind } = resource;
  const path = collectionPath(resource);
  const answer = await api.request({ method: 'POST', path, body: { apiVersion, kind, spec }, deadline: callDeadline });
  return object(object(answer)['status']);
};
