import { planRotation, type RotationStep, type SecretFacts } from '../../src/domain/certificates/rotation.ts';
import { type Api, ApiError, ApiUnreachable, isAlreadyExists, isConflict } from '../../src/k8s/client/api.ts';
import { atLeastAsked, nextDelay } from '../../src/k8s/client/backoff.ts';
import { isNotLeader } from '../../src/k8s/leadership/fenced-api.ts';
import type { Leadership } from '../../src/k8s/leadership/leader-election.ts';
import type { WatchedObject } from '../../src/k8s/watch/watched-object.ts';
import type { Log } from '../../src/lib/log.ts';
import { type Clock, millis, type Millis, seconds, sleep, type WallTime } from '../../src/lib/time.ts';
import { IssuingFailed } from '../../src/observe/x509/issue-certificates.ts';
import { issueAuthority, issueBoth, issueServing } from './issue.ts';
import { noContent, readSecret, type SecretReading } from './read-secret.ts';
import { type RepeatableWrite, repetitionBrake } from '../repetition-brake.ts';
import { type SecretChange, type SecretView, writeSecret } from './secret-store.ts';
import { type Injection, type Target, targetFacts, type TargetView } from './targets.ts';

/** A target and its newest known state. */
export type WatchedTarget = { readonly target: Target; readonly object: WatchedObject<TargetView> };

export type RotationLoopOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  /** Where authority and certificate are kept. */
  readonly secret: WatchedObject<SecretView>;
  /** Where the API server reads whom to trust. */
  readonly targets: readonly WatchedTarget[];
  /** Of the Secret, and of the Service that the webhooks are to name. */
  readonly namespace: string;
  readonly secretName: string;
  /** For which the certificate is issued: `<service>.<namespace>.svc`. */
  readonly hostname: string;
  /** That the webhooks are to have. */
  readonly failurePolicy: Injection['failurePolicy'];
};

/** Does what the plan says, one step after the other, while this replica leads. */
export type RotationLoop = {
  /** Something of what the plan is made of has changed. */
  readonly touch: () => void;
  /** Runs until the signal aborts, once everything has been read; failures are retried. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** After a step, or if somebody was quicker or leads: the answer or the watch tells what has changed. */
const planDelay: Millis = seconds(1);
const backoff = { first: millis(500), longest: seconds(30) };

/** A step without `wait`. */
type Action = Exclude<RotationStep, { readonly type: 'wait' }>;

/** Makes it; nothing happens until `run`. */
export const createRotationLoop = (options: RotationLoopOptions): RotationLoop => {
  const { api, clock, wallTime, log, leadership, secret, targets, namespace, secretName, hostname } = options;
  const { failurePolicy } = options;
  const brake = repetitionBrake(clock);
  let waiting = new AbortController();
  /** The last wait after a failure; undefined after a success. */
  let failureDelay: Millis | undefined;
  const touch = (): void => waiting.abort();

  const plan = (facts: SecretFacts): RotationStep => {
    const stamps = [secret.current(), ...targets.map(({ object }) => object.current())]
      .map((view) => view?.stampedAt)
      .filter((stamp) => stamp !== undefined);
    return planRotation({
      secret: facts,
      targets: targets.flatMap(({ target, object }) => {
        const view = object.current();
        const callsNobody = view === undefined || view.hooks.length === 0;
        return callsNobody ? [] : [targetFacts(target.name, view, { namespace, failurePolicy })];
      }),
      now: wallTime(),
      latestStamp: stamps.length === 0 ? undefined : Math.max(...stamps),
    });
  };

  const inject = async (names: readonly string[], signal: AbortSignal): Promise<void> => {
    const injection = { bundle: secret.current()?.content['ca.crt'] ?? '', namespace, failurePolicy };
    await allOf(
      targets.map(async ({ target, object }) => {
        const view = object.current();
        if (view === undefined || !names.includes(target.name)) return;
        await object.write(async () => api.request({ ...target.patch(view, injection, wallTime()), signal }));
      }),
    );
  };

  /** The change of the Secret that a step makes. */
  const changeOf = async (
    step: Exclude<Action, { readonly type: 'inject' }>,
    view: SecretView | undefined,
    { authorities, facts }: SecretReading,
    signal: AbortSignal,
  ): Promise<SecretChange> => {
    const now = wallTime();
    const pemOf = (id: string): string => `${authorities.find((authority) => authority.id === id)?.pem ?? ''}\n`;
    if (step.type === 'dropAuthorities') return { 'ca.crt': pemOf(step.keep) };
    if (step.type === 'replaceAll') {
      const { authority, serving } = await issueBoth({ hostname, now, signal });
      return { 'ca.crt': authority.cert, 'ca.key': authority.key, 'tls.crt': serving.cert, 'tls.key': serving.key };
    }
    if (step.type === 'addAuthority') {
      const authority = await issueAuthority(now, signal);
      // The new one first: MetalLB's own controller reads that one alone, and its key stands beside it.
      return { 'ca.crt': authority.cert + step.keep.map(pemOf).join(''), 'ca.key': authority.key };
    }
    const signer = authorities.find(({ id }) => id === facts.signer);
    if (signer === undefined) throw new Error('the plan has a certificate signed by an authority without a key');
    const pair = { cert: signer.pem, key: view?.content['ca.key'] ?? '' };
    const serving = await issueServing({ hostname, now, signal }, pair, signer.notAfter);
    return { 'tls.crt': serving.cert, 'tls.key': serving.key };
  };

  /** The writes of a step. Of the Secret any counts as the same: not even two in a row come close to each other. */
  const writesOf = (step: Action): readonly RepeatableWrite[] => {
    if (step.type !== 'inject') return [{ object: secretName, content: '' }];
    const content = secret.current()?.content['ca.crt'] ?? '';
    return step.targets.map((object) => ({ object, content }));
  };

  /** Writes upon what the plan was made from, and not upon what has come meanwhile. */
  const perform = async (step: Action, view: SecretView | undefined, reading: SecretReading, signal: AbortSignal) => {
    if (step.type === 'inject') await inject(step.targets, signal);
    else {
      const change = await changeOf(step, view, reading, signal);
      await secret.write(async () => api.request({ ...writeSecret(namespace, secretName, view, change), signal }));
    }
    log.info('certificate step done', { step: step.type, ...('reason' in step ? { reason: step.reason } : {}) });
  };

  /** Waits for a change, at most so long. */
  const pause = async (delay: Millis, signal: AbortSignal): Promise<void> => {
    await sleep(clock, delay, AbortSignal.any([signal, waiting.signal]));
  };

  /** Waits for a change after a failure; longer each time, and at least as long as the server asks for. */
  const retreat = async (step: Action, error: Error, signal: AbortSignal): Promise<void> => {
    failureDelay = nextDelay(backoff, failureDelay, Math.random());
    const delay = atLeastAsked(failureDelay, error);
    log.warn('certificate step failed', { step: step.type, error, retryAfterMs: Math.round(delay) });
    await pause(delay, signal);
  };

  /** Does one step, and lets what came of it be seen before the next is planned. */
  const take = async (
    step: Action,
    view: SecretView | undefined,
    reading: SecretReading,
    signal: AbortSignal,
  ): Promise<void> => {
    const writes = writesOf(step);
    const { wait, quarrels } = brake.begin(writes);
    if (quarrels.length > 0) {
      const message = 'somebody else keeps changing what the webhooks need, it is put right every 5 s';
      log.warn(message, { objects: quarrels });
    }
    // Whatever changes meanwhile is the quarrel.
    if (wait > 0) return sleep(clock, wait, signal);
    try {
      await perform(step, view, reading, signal);
      brake.count(writes);
      failureDelay = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const isOvertaken = isConflict(error) || isAlreadyExists(error);
      if (isOvertaken) brake.count(writes);
      else if (!isNotLeader(error)) {
        if (!isOfTheWorld(error)) throw error;
        return retreat(step, error, signal);
      }
    }
    // What has changed wakes us, and if nothing did, this is long enough.
    await pause(planDelay, signal);
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    const stopFollowing = leadership.onChange(touch);
    let isClockTold = false;
    try {
      while (!signal.aborted) {
        waiting = new AbortController();
        const view = secret.current();
        const reading = readSecret(view?.content ?? noContent, hostname);
        const step = plan(reading.facts);
        const isClockBehind = step.type === 'wait' && step.reason === 'clock';
        if (isClockBehind && !isClockTold) log.warn('our clock is behind the API server, no certificate is issued');
        isClockTold = isClockBehind;
        if (step.type === 'wait') await pause(millis(step.until - wallTime()), signal);
        else if (!leadership.isLeader()) await pause(longestIdle, signal);
        else await take(step, view, reading, signal);
      }
    } finally {
      stopFollowing();
    }
  };

  return { touch, run };
};

/** A replica that does not lead looks again when something changes; it need not otherwise. */
const longestIdle: Millis = seconds(3600);

/** What may succeed the next time. */
const isOfTheWorld = (error: unknown): error is ApiError | ApiUnreachable | IssuingFailed =>
  error instanceof ApiError || error instanceof ApiUnreachable || error instanceof IssuingFailed;

/** Settles when all have settled; rejects with the first error. */
const allOf = async (writes: readonly Promise<void>[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(writes)) if (outcome.status === 'rejected') throw outcome.reason;
};
