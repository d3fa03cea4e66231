import type { ConfigurationProblem } from '../domain/config/configuration.ts';
import type { ServiceCondition } from '../domain/objects.ts';
import { type Api, isAlreadyExists } from './client/api.ts';
import { findCondition, projectCondition } from './conditions.ts';
import { labelValue } from './label-value.ts';
import type { Leadership } from './leadership/leader-election.ts';
import type { OwnerReference } from './own-pod.ts';
import { collectionPath, objectPath, resources } from './resources.ts';
import { timestamp } from './timestamp.ts';
import { watchObject } from './watch/watched-object.ts';
import type { WorkOutcome } from './work-queue.ts';
import { filled, list, object, stringMap, text } from '../lib/json.ts';
import type { Log } from '../lib/log.ts';
import { type Clock, millis, type Millis, seconds, type WallTime } from '../lib/time.ts';
import { createLeaderTask } from './leadership/leader-task.ts';

export type ConfigurationStateOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallTime: () => WallTime;
  readonly metallbNamespace: string;
  /** Name and labels of the object, and the type of its condition. */
  readonly process: StateOfProcess;
  /** Our pod, which owns the object: it goes with the pod. Undefined: nobody owns it. */
  readonly owner: () => Promise<OwnerReference | undefined>;
  readonly onError: (error: unknown, retryAfter: Millis) => void;
};

/** What tells the object of one process from those of the others; each as MetalLB has it. */
export type StateOfProcess = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly conditionType: string;
};

export const stateOfController: StateOfProcess = {
  name: 'controller',
  labels: { 'metallb.io/component-type': 'controller' },
  conditionType: 'poolReconcilerValid',
};

/** Of the speaker on a node. */
export const stateOfSpeaker = (node: string): StateOfProcess => ({
  name: `speaker-${node}`,
  labels: { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': labelValue(node) },
  conditionType: 'configReconcilerValid',
});

/** Keeps the `ConfigurationState` of this process in step with what is wrong with the configuration. */
export type ConfigurationState = {
  /** Says all problems that stand now. */
  readonly report: (problems: readonly ConfigurationProblem[]) => void;
  /** Watches the object until `signal` aborts; then lets the write under way end, if that is soon, and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Between two writes: somebody else may keep changing the object back. */
const leastPause = seconds(1);

/** A condition's message may have 32,768 octets. */
const mostProblems = 50;

/** What `ConfigurationState.status` says of those problems. */
export const configurationStatus = (
  problems: readonly ConfigurationProblem[],
  type: string,
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
      ? { type, status: 'True', reason: 'Reconciled', message }
      : { type, status: 'False', reason: 'ConfigurationError', message },
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
  const { api, leadership, clock, log, wallTime, metallbNamespace, process, owner, onError } = options;
  const { name, labels, conditionType } = process;
  const resource = resources.configurationStates;
  const path = objectPath(resource, metallbNamespace, name);
  let problems: readonly ConfigurationProblem[] | undefined;
  /** Whether it is known what stands there. */
  let isKnown = false;
  /** When something was written last. */
  let lastAt = millis(Number.NEGATIVE_INFINITY);

  /** Whether something had to be written. */
  const writeObject = async (known: StateView | undefined): Promise<boolean> => {
    const pod = await owner();
    const isCurrent =
      known !== undefined &&
      Object.entries(labels).every(([key, value]) => known.labels[key] === value) &&
      (pod === undefined || (known.owners.length === 1 && known.owners[0] === pod.uid));
    if (isCurrent) return false;
    const ownerReferences = pod === undefined ? [] : [pod];
    const metadata = { name, namespace: metallbNamespace, labels, ownerReferences };
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
    const { result, errorSummary, condition } = configurationStatus(problems, conditionType);
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
    name,
    project: (raw) => projectState(raw, conditionType),
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

const projectState = (raw: unknown, conditionType: string): StateView => {
  const { metadata, status } = object(raw);
  const { result, errorSummary } = object(status);
  const condition = findCondition(status, conditionType);
  return {
    resourceVersion: text(object(metadata)['resourceVersion']) ?? '',
    labels: stringMap(object(metadata)['labels']),
    owners: list(object(metadata)['ownerReferences']).flatMap((owner) => filled(object(owner)['uid']) ?? []),
    result: text(result),
    errorSummary: text(errorSummary),
    condition: condition && {
      ...projectCondition(conditionType, condition),
      lastTransitionTime: filled(condition['lastTransitionTime']),
    },
  };
};
