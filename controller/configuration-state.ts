import type { ConfigurationProblem } from '../src/domain/config/configuration.ts';
import type { ServiceCondition } from '../src/domain/objects.ts';
import { type Api, isAlreadyExists, isNotFound } from '../src/k8s/client/api.ts';
import type { Leadership } from '../src/k8s/leadership/leader-election.ts';
import { collectionPath, objectPath, resources } from '../src/k8s/resources.ts';
import { timestamp } from '../src/k8s/timestamp.ts';
import { watchObject } from '../src/k8s/watch/watched-object.ts';
import type { WorkOutcome } from '../src/k8s/work-queue.ts';
import { filled, list, object, stringMap, text } from '../src/lib/json.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, millis, type Millis, seconds, type WallTime } from '../src/lib/time.ts';
import { createLeaderTask } from './leader-task.ts';

export type ConfigurationStateOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallTime: () => WallTime;
  readonly metallbNamespace: string;
  /** Our pod, which owns the object: it goes with the pod. */
  readonly podName: string;
  readonly onError: (error: unknown, retryAfter: Millis) => void;
};

/** Keeps the `ConfigurationState` named `controller` in step with what is wrong with the configuration. */
export type ConfigurationState = {
  /** Says all problems that stand now. */
  readonly report: (problems: readonly ConfigurationProblem[]) => void;
  /** Watches the object until `signal` aborts; then lets the write under way end, if that is soon, and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

const stateName = 'controller';
const conditionType = 'poolReconcilerValid';
const labels = { 'metallb.io/component-type': 'controller' };

/** Between two writes: somebody else may keep changing the object back. */
const leastPause = seconds(1);

/** A condition's message may have 32,768 octets. */
const mostProblems = 50;

/** What `ConfigurationState.status` says of those problems. */
export const configurationStatus = (
  problems: readonly ConfigurationProblem[],
): { readonly result: 'Valid' | 'Invalid'; readonly errorSummary: string; readonly condition: ServiceCondition } => {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const lines = errors
    .slice(0, mostProblems)
    .map(({ kind, namespace, name, field, message }) =>
      `${kind} ${namespace}/${name}: ${field}: ${message}`.slice(0, 500),
    );
  if (errors.length > lines.length) lines.push(`and ${errors.length - lines.length} more`);
  const isValid = errors.length === 0;
  const message = isValid ? '' : `configuration error: ${lines.join('\n')}`;
  return {
    result: isValid ? 'Valid' : 'Invalid',
    errorSummary: message,
    condition: isValid
      ? { type: conditionType, status: 'True', reason: 'Reconciled', message }
      : { type: conditionType, status: 'False', reason: 'ConfigurationError', message },
  };
};

/** The object as far as we write it. */
type StateView = {
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** UIDs of its owners. */
  readonly owners: readonly string[];
  readonly result: string | undefined;
  readonly errorSummary: string | undefined;
  readonly condition: (ServiceCondition & { readonly lastTransitionTime: string | undefined }) | undefined;
};

/** Makes the writer; nothing is written before the first report, and before it is known what stands there. */
export const createConfigurationState = (options: ConfigurationStateOptions): ConfigurationState => {
  const { api, leadership, clock, log, wallTime, metallbNamespace, podName, onError } = options;
  const resource = resources.configurationStates;
  const path = objectPath(resource, metallbNamespace, stateName);
  let problems: readonly ConfigurationProblem[] | undefined;
  /** Whether it is known what stands there. */
  let isKnown = false;
  let podUid: string | undefined;
  /** When something was written last. */
  let lastAt = millis(Number.NEGATIVE_INFINITY);

  /** Undefined outside a pod: then nobody owns the object. */
  const readPodUid = async (): Promise<string | undefined> => {
    try {
      const pod = await api.request({ path: objectPath(resources.pods, metallbNamespace, podName) });
      return text(object(object(pod)['metadata'])['uid']);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };

  /** Whether something had to be written. */
  const writeObject = async (known: StateView | undefined): Promise<boolean> => {
    podUid ??= await readPodUid();
    const isCurrent =
      known !== undefined &&
      Object.entries(labels).every(([key, value]) => known.labels[key] === value) &&
      (podUid === undefined || (known.owners.length === 1 && known.owners[0] === podUid));
    if (isCurrent) return false;
    const ownerReferences = podUid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Pod', name: podName, uid: podUid }];
    const metadata = { name: stateName, namespace: metallbNamespace, labels, ownerReferences };
    if (known !== undefined) {
      const body = { metadata: { labels, ownerReferences } };
      await state.write(async () => api.request({ method: 'PATCH', path, body }));
      return true;
    }
    const body = { apiVersion: resource.apiVersion, kind: resource.kind, metadata };
    await api.request({ method: 'POST', path: collectionPath(resource, metallbNamespace), body });
    return true;
  };

  const work = async (): Promise<WorkOutcome> => {
    if (problems === undefined || !isKnown) return { type: 'done' };
    const wait = lastAt + leastPause - clock.now();
    if (wait > 0) return { type: 'retryAfter', delay: millis(wait) };
    const known = state.current();
    const { result, errorSummary, condition } = configurationStatus(problems);
    if (await writeObject(known)) lastAt = clock.now();
    const before = known?.condition;
    const isSame =
      known?.result === result &&
      (known.errorSummary ?? '') === errorSummary &&
      before?.status === condition.status &&
      before.reason === condition.reason &&
      before.message === condition.message;
    if (isSame) return { type: 'done' };
    const lastTransitionTime =
      before?.status === condition.status && before.lastTransitionTime !== undefined
        ? before.lastTransitionTime
        : timestamp(wallTime());
    lastAt = clock.now();
    const body = { status: { result, errorSummary, conditions: [{ ...condition, lastTransitionTime }] } };
    await state.write(async () => api.request({ method: 'PATCH', path: `${path}/status`, body }));
    return { type: 'done' };
  };

  const task = createLeaderTask({
    clock,
    leadership,
    work: async () => {
      try {
        return await work();
      } catch (error) {
        // Somebody was quicker, and the watch says with what.
        if (isAlreadyExists(error)) return { type: 'retryAfter', delay: leastPause };
        throw error;
      }
    },
    onError,
  });
  const state = watchObject<StateView>({
    api,
    clock,
    log,
    resource,
    namespace: metallbNamespace,
    name: stateName,
    project: projectState,
    // Whoever edits or deletes the object sees it put right.
    onChange: task.touch,
  });
  void state.synced.then(() => {
    isKnown = true;
    task.touch();
  });

  return {
    report: (now) => {
      problems = now;
      task.touch();
    },
    run: async (signal) => {
      try {
        await state.run(signal);
      } finally {
        await task.stop();
      }
    },
  };
};

const projectState = (raw: unknown): StateView => {
  const { metadata, status } = object(raw);
  const { result, errorSummary, conditions } = object(status);
  const condition = list(conditions)
    .map(object)
    .find(({ type }) => type === conditionType);
  return {
    resourceVersion: text(object(metadata)['resourceVersion']) ?? '',
    labels: stringMap(object(metadata)['labels']),
    owners: list(object(metadata)['ownerReferences']).flatMap((owner) => filled(object(owner)['uid']) ?? []),
    result: text(result),
    errorSummary: text(errorSummary),
    condition: condition && {
      type: conditionType,
      status: condition['status'] === 'True' || condition['status'] === 'False' ? condition['status'] : 'Unknown',
      reason: text(condition['reason']) ?? '',
      message: text(condition['message']) ?? '',
      lastTransitionTime: filled(condition['lastTransitionTime']),
    },
  };
};
