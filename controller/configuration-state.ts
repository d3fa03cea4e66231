import type { ConfigurationProblem } from '../src/domain/config/configuration.ts';
import type { ServiceCondition } from '../src/domain/objects.ts';
import { type Api, isAlreadyExists, isNotFound } from '../src/k8s/api.ts';
import { isNotLeader } from '../src/k8s/fenced-api.ts';
import { createReflector } from '../src/k8s/reflector.ts';
import { collectionPath, objectPath, resources } from '../src/k8s/resources.ts';
import { timestamp } from '../src/k8s/timestamp.ts';
import { createWorkQueue, type WorkOutcome } from '../src/k8s/work-queue.ts';
import { filled, list, object, stringMap, text } from '../src/lib/json.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, millis, type Millis, seconds, type WallTime } from '../src/lib/time.ts';

export type ConfigurationStateOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
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
  /** Looks again: this replica may write from now on. */
  readonly touch: () => void;
  /** Watches the object until `signal` aborts. */
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
  readonly labels: Readonly<Record<string, string>>;
  /** UIDs of its owners. */
  readonly owners: readonly string[];
  readonly result: string | undefined;
  readonly errorSummary: string | undefined;
  readonly condition: (ServiceCondition & { readonly lastTransitionTime: string | undefined }) | undefined;
};

/** Makes the writer; nothing is written before the first report. */
export const createConfigurationState = (options: ConfigurationStateOptions): ConfigurationState => {
  const { api, clock, log, wallTime, metallbNamespace, podName, onError } = options;
  const resource = resources.configurationStates;
  const path = objectPath(resource, metallbNamespace, stateName);
  let problems: readonly ConfigurationProblem[] | undefined;
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
      await api.request({ method: 'PATCH', path, body: { metadata: { labels, ownerReferences } } });
      return true;
    }
    try {
      const body = { apiVersion: resource.apiVersion, kind: resource.kind, metadata };
      await api.request({ method: 'POST', path: collectionPath(resource, metallbNamespace), body });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return true;
  };

  const work = async (): Promise<WorkOutcome> => {
    if (problems === undefined) return { type: 'done' };
    const wait = lastAt + leastPause - clock.now();
    if (wait > 0) return { type: 'retryAfter', delay: millis(wait) };
    const known = states.get(`${metallbNamespace}/${stateName}`);
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
    await api.request({
      method: 'PATCH',
      path: `${path}/status`,
      body: { status: { result, errorSummary, conditions: [{ ...condition, lastTransitionTime }] } },
    });
    return { type: 'done' };
  };

  const queue = createWorkQueue<typeof stateName>({
    clock,
    work: async () => {
      try {
        return await work();
      } catch (error) {
        // `touch` comes when we lead.
        if (isNotLeader(error)) return { type: 'done' };
        throw error;
      }
    },
    onError: (_, error, delay) => onError(error, delay),
    concurrency: 1,
  });
  const states = createReflector({
    api,
    clock,
    log,
    path: collectionPath(resource, metallbNamespace),
    fieldSelector: `metadata.name=${stateName}`,
    project: projectState,
    // Whoever edits or deletes the object sees it put right.
    onChange: () => queue.add(stateName),
  });

  return {
    report: (now) => {
      problems = now;
      queue.add(stateName);
    },
    touch: () => queue.add(stateName),
    run: async (signal) => {
      await states.run(signal);
      await queue.stop();
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
