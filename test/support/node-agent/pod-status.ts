import type {
  Condition,
  Container,
  ContainerState,
  ContainerStatus,
  ContainerTermination,
  Pod,
  PodStatus,
  RestartPolicy,
} from './types.ts';

/** All that is known about one container. */
export type ContainerRecord = {
  readonly container: Container;
  readonly state: ContainerState;
  readonly last?: ContainerTermination;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly started: boolean;
};

/** All that is known about one pod on this node. */
export type PodFacts = {
  readonly pod: Pod;
  readonly hostIps: readonly string[];
  /** Empty until the pod's network stands. */
  readonly podIps: readonly string[];
  readonly startTime: string;
  readonly initContainers: readonly ContainerRecord[];
  readonly containers: readonly ContainerRecord[];
  /** No container will be started any more: the pod is being deleted and all have ended. */
  readonly isOver: boolean;
  /** The conditions as last written. */
  readonly previous: readonly Condition[];
};

/** The status to write, with the conditions that are the kubelet's. `now` stamps those that change. */
export const podStatus = (facts: PodFacts, now: string): PodStatus => {
  const phase = podPhase(facts);
  const ips = (list: readonly string[]) => list.map((ip) => ({ ip }));
  return {
    phase,
    conditions: conditions(facts, phase, now),
    hostIP: facts.hostIps[0] ?? '',
    hostIPs: ips(facts.hostIps),
    ...(facts.podIps[0] === undefined ? {} : { podIP: facts.podIps[0], podIPs: ips(facts.podIps) }),
    startTime: facts.startTime,
    ...(facts.initContainers.length === 0 ? {} : { initContainerStatuses: facts.initContainers.map(containerStatus) }),
    containerStatuses: facts.containers.map(containerStatus),
  };
};

/** Whether a container that ended with this code is started again. */
export const restarts = (policy: RestartPolicy | undefined, exitCode: number): boolean =>
  policy === 'Never' ? false : policy === 'OnFailure' ? exitCode !== 0 : true;

const podPhase = ({ pod, initContainers, containers, isOver }: PodFacts): NonNullable<PodStatus['phase']> => {
  const policy = pod.spec.restartPolicy;
  const failed = (record: ContainerRecord): boolean => (ended(record)?.exitCode ?? 0) !== 0;
  if (policy === 'Never' && initContainers.some(failed)) return 'Failed';
  if (isOver) return [...initContainers, ...containers].every(succeeded) ? 'Succeeded' : 'Failed';
  if (!initContainers.every(succeeded)) return 'Pending';
  if (containers.some(({ state, last }) => state.type === 'waiting' && last === undefined)) return 'Pending';
  if (containers.some(({ state }) => state.type === 'running')) return 'Running';
  // All have ended at least once and none runs now.
  if (containers.some((record) => restarts(policy, ended(record)?.exitCode ?? 0))) return 'Running';
  return containers.some(failed) ? 'Failed' : 'Succeeded';
};

const ended = ({ state, last }: ContainerRecord): ContainerTermination | undefined =>
  state.type === 'terminated' ? state : state.type === 'waiting' ? last : undefined;

const succeeded = ({ state }: ContainerRecord): boolean => state.type === 'terminated' && state.exitCode === 0;

const conditions = (facts: PodFacts, phase: string, now: string): readonly Condition[] => {
  const { pod, podIps, initContainers, containers, previous } = facts;
  const uninitialized = initContainers.filter((record) => !succeeded(record)).map(({ container }) => container.name);
  const unready = containers.filter(({ ready }) => !ready).map(({ container }) => container.name);
  const gates = pod.spec.readinessGates ?? [];
  const closed = gates.filter(
    (gate) => pod.status?.conditions?.find(({ type }) => type === gate.conditionType)?.status !== 'True',
  );
  const completed = phase === 'Succeeded';
  const containersReady: Omit<Condition, 'type'> = completed
    ? { status: 'False', reason: 'PodCompleted' }
    : phase === 'Failed'
      ? { status: 'False', reason: 'PodFailed' }
      : unready.length === 0
        ? { status: 'True' }
        : {
            status: 'False',
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          };
  const ready: Omit<Condition, 'type'> =
    containersReady.status === 'True' && closed.length > 0
      ? {
          status: 'False',
          reason: 'ReadinessGatesNotReady',
          message: closed
            .map(
              ({ conditionType }) => `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
            )
            .join(', '),
        }
      : containersReady;
  const own: readonly Condition[] = [
    {
      type: 'PodReadyToStartContainers',
      status: podIps.length > 0 && phase !== 'Succeeded' && phase !== 'Failed' ? 'True' : 'False',
    },
    completed
      ? { type: 'Initialized', status: 'True', reason: 'PodCompleted' }
      : uninitialized.length === 0
        ? { type: 'Initialized', status: 'True' }
        : {
            type: 'Initialized',
            status: 'False',
            reason: 'ContainersNotInitialized',
            message: `containers with incomplete status: [${uninitialized.join(' ')}]`,
          },
    { type: 'Ready', ...ready },
    { type: 'ContainersReady', ...containersReady },
    { type: 'PodScheduled', status: 'True' },
  ];
  return own.map((condition) => stamped(condition, previous, now));
};

const stamped = (condition: Condition, previous: readonly Condition[], now: string): Condition => {
  const before = previous.find(({ type }) => type === condition.type);
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
  return { ...condition, lastTransitionTime: since ?? now };
};

const containerStatus = ({
  container,
  state,
  last,
  restartCount,
  ready,
  started,
}: ContainerRecord): ContainerStatus => {
  const id = state.type === 'waiting' ? last?.containerId : state.containerId;
  return {
    name: container.name,
    ready,
    started,
    restartCount,
    image: container.image,
    imageID: id === undefined ? '' : container.image,
    ...(id === undefined ? {} : { containerID: id }),
    state: stateObject(state),
    lastState: last === undefined || state === last ? {} : stateObject(last),
  };
};

const stateObject = (state: ContainerState): object => {
  if (state.type === 'running') return { running: { startedAt: state.startedAt } };
  if (state.type === 'waiting') {
    const { reason, message } = state;
    return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }
  const { type: _, containerId, ...rest } = state;
  return { terminated: { ...rest, containerID: containerId } };
};
