import { randomBytes } from 'node:crypto';
import { type Api, ApiError, isAlreadyExists, isNotFound } from '../src/k8s/client/api.ts';
import type { Leadership } from '../src/k8s/leadership/leader-election.ts';
import { collectionPath, objectPath, resources } from '../src/k8s/resources.ts';
import { object, text } from '../src/lib/json.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, untilAborted } from '../src/lib/time.ts';
import { createLeaderTask } from '../src/k8s/leadership/leader-task.ts';

export type MemberlistSecretOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Pick<Api, 'request'>;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** Name of the Secret (`--ml-secret-name`); empty: none is made. */
  readonly name: string;
  /** Name of our Deployment; the Secret is deleted with it. */
  readonly deployment: string;
};

/**
 * Sees to it that the Secret with the speakers' common key exists, since their pods do not start without it. One that
 * is there is not touched, whoever made it. Ends when it is there, or when the signal aborts; rejects if the API server
 * refuses, and tries again while it cannot be reached.
 */
export const ensureMemberlistSecret = async (options: MemberlistSecretOptions, signal: AbortSignal): Promise<void> => {
  const { leadership, clock, namespace, name } = options;
  if (name === '') return;
  const log = options.log.child({ secret: `${namespace}/${name}` });
  const made = Promise.withResolvers<void>();
  const task = createLeaderTask({
    clock,
    leadership,
    work: async () => {
      try {
        log.info('memberlist secret', { outcome: await ensureSecret(options, signal) });
        made.resolve();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        made.reject(new Error(`cannot make the Secret ${namespace}/${name}`, { cause: error }));
      }
      return { type: 'done' };
    },
    onError: (error, delay) => {
      if (!signal.aborted) log.warn('memberlist secret not made', { error, retryAfterMs: Math.round(delay) });
    },
  });
  task.touch();
  try {
    await Promise.race([made.promise, untilAborted(signal)]);
  } finally {
    await task.stop();
  }
};

/** What the API server will not say otherwise the next time. */
const isRefusal = (error: unknown): boolean => error instanceof ApiError && error.status < 500 && error.status !== 429;

const ensureSecret = async (
  { api, namespace, name, deployment }: MemberlistSecretOptions,
  signal: AbortSignal,
): Promise<'existed' | 'created'> => {
  try {
    await api.request({ path: objectPath(resources.secrets, namespace, name), signal });
    return 'existed';
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const owner = await api.request({ path: objectPath(resources.deployments, namespace, deployment), signal });
  try {
    await api.request({
      method: 'POST',
      path: collectionPath(resources.secrets, namespace),
      signal,
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          ownerReferences: [
            {
              apiVersion: resources.deployments.apiVersion,
              kind: resources.deployments.kind,
              name: deployment,
              uid: text(object(object(owner)['metadata'])['uid']),
            },
          ],
        },
        stringData: { secretkey: makeKey() },
      },
    });
    return 'created';
  } catch (error) {
    // Another replica was quicker.
    if (isAlreadyExists(error)) return 'existed';
    throw error;
  }
};

/** 16 random octets in base64 without padding: 22 characters, as MetalLB makes them. */
const makeKey = (): string => randomBytes(16).toString('base64').replace(/=+$/, '');
