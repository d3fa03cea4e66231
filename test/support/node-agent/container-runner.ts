import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../../../src/k8s/client/api.ts';
import { type Millis, millis, seconds } from '../../../src/lib/time.ts';
import { type BackOff, formatBackOff, nextStart } from './back-off.ts';
import { planContainer, type PodContext, terminationLog } from './container-plan.ts';
import { startProbes } from './container-probes.ts';
import { ContainerProcess, executionFailure, LaunchError, type PodNamespaces } from './container-process.ts';
import { pullImage } from './image-puller.ts';
import type { Image } from './images.ts';
import type { LaunchPlan } from './launcher.ts';
import { type ContainerRecord, restarts } from './pod-status.ts';
import type { ProbeKind } from './probe.ts';
import { timestamp } from './timestamp.ts';
import type { Container, ContainerState, ContainerTermination, RestartPolicy } from './types.ts';

/** What a container's runner needs from the pod it belongs to. */
export type ContainerPorts = {
  readonly api: Api;
  readonly repo: string;
  readonly context: PodContext;
  readonly namespaces: PodNamespaces;
  /** The address that probes go to. */
  readonly probeHost: string;
  /** A folder of the container's own. */
  readonly dir: string;
  readonly logFile: string;
  readonly restartPolicy: RestartPolicy;
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  /** Called after each change of `record`. */
  readonly changed: () => void;
};

/**
 * Pauses before a container whose configuration is incomplete is looked at again. The API server takes a moment to learn
 * that a new pod may read its Secrets, hence the short first ones.
 */
const firstConfigPause = millis(50);
const lastConfigPause = seconds(2);
/** SIGKILL is not refused; this long a container may take to vanish after it. */
const killPatience = seconds(5);

/** Runs one container again and again, as its restart policy has it, until it is done or stopped. */
export class ContainerRunner {
  #record: ContainerRecord;
  readonly #ports: ContainerPorts;
  readonly #stop = new AbortController();
  #process: ContainerProcess | undefined;
  #backOff: BackOff;
  #killing: Promise<void> | undefined;

  constructor(ports: ContainerPorts, record: ContainerRecord) {
    this.#ports = ports;
    this.#record = record;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  get #container(): Container {
    return this.#record.container;
  }

  /** Runs until the container has ended for good; resolves after `stop` as well. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const image = await pullImage(this.#container.image, this.#ports.repo, {
        event: this.#ports.event,
        waiting: (reason, message) => this.#wait(reason, message),
        signal,
      });
      const plan = image && (await this.#plan(image));
      if (plan === undefined) return;
      const startedAt = performance.now();
      const end = await this.#runOnce(plan);
      const ranFor = millis(performance.now() - startedAt);
      this.#set({ state: end, ready: this.#isInit && end.exitCode === 0, started: false });
      if (signal.aborted || !restarts(this.#ports.restartPolicy, end.exitCode)) return;
      await this.#waitForRestart(end, ranFor);
    }
  }

  /** Ends the container: `preStop`, SIGTERM, and SIGKILL after the grace period (which includes `preStop`). */
  async stop(grace: Millis): Promise<void> {
    const { process } = this;
    const isFirst = !this.#stop.signal.aborted;
    this.#stop.abort();
    if (process === undefined) return;
    if (isFirst) this.#ports.event('Normal', 'Killing', `Stopping container ${this.#container.name}`);
    await this.#kill(process, grace);
  }

  /** The running program, for commands to be executed inside. */
  get process(): ContainerProcess | undefined {
    return this.#process;
  }

  get #isInit(): boolean {
    return this.#ports.context.pod.spec.initContainers?.includes(this.#container) ?? false;
  }

  #set(change: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#ports.changed();
  }

  #wait(reason: string, message: string): void {
    const { state } = this.#record;
    const last = state.type === 'terminated' ? state : this.#record.last;
    this.#set({ state: { type: 'waiting', reason, message }, ...(last ? { last } : {}), ready: false, started: false });
  }

  async #pause(length: Millis): Promise<void> {
    await sleep(length, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** Works out how to run it; waits as long as something it refers to is missing. */
  async #plan(image: Image): Promise<LaunchPlan | undefined> {
    const { api, context, dir, event } = this.#ports;
    let told = '';
    let pause = firstConfigPause;
    while (!this.#stop.signal.aborted) {
      try {
        const plan = await planContainer(api, context, this.#container, image, dir);
        if (plan.ok) return plan.value;
        const { reason, message } = plan.error;
        if (told !== message) event('Warning', 'Failed', `Error: ${message}`);
        told = message;
        this.#wait(reason, message);
      } catch (error) {
        const { message } = error as Error;
        // The API server's refusals of the first moments are not told.
        if (pause === lastConfigPause) {
          if (told !== message) event('Warning', 'Failed', `Error: ${message}`);
          told = message;
          this.#wait('CreateContainerError', message);
        }
      }
      await this.#pause(pause);
      pause = millis(Math.min(pause * 2, lastConfigPause));
    }
    return undefined;
  }

  /** One run from start to end. */
  async #runOnce(plan: LaunchPlan): Promise<ContainerTermination> {
    const { namespaces, dir, logFile, event } = this.#ports;
    const { name } = this.#container;
    const containerId = `sandbox://${randomBytes(32).toString('hex')}`;
    const startedAt = timestamp();
    const ended = (exitCode: number, reason: string, message?: string): ContainerTermination => ({
      type: 'terminated',
      exitCode,
      reason,
      startedAt,
      finishedAt: timestamp(),
      containerId,
      ...(message === undefined || message === '' ? {} : { message }),
    });
    event('Normal', 'Created', `Created container: ${name}`);
    let process: ContainerProcess;
    try {
      process = await ContainerProcess.start(plan, namespaces, dir, logFile);
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      event('Warning', 'Failed', `Error: ${error.message}`);
      return ended(128, 'StartError', error.message);
    }
    this.#process = process;
    this.#killing = undefined;
    const { state } = this.#record;
    const running: ContainerState = { type: 'running', startedAt, containerId };
    const last = state.type === 'terminated' ? state : this.#record.last;
    const hasProbe = (probe: ProbeKind) => !this.#isInit && this.#container[`${probe}Probe`] !== undefined;
    this.#set({
      state: running,
      ...(last ? { last } : {}),
      started: !hasProbe('startup'),
      ready: !hasProbe('startup') && !hasProbe('readiness') && !this.#isInit,
    });
    event('Normal', 'Started', `Started container ${name}`);
    // A stop that came while the root was put together found no process to end.
    if (this.#stop.signal.aborted) void this.#kill(process, millis(0));
    const probes = new AbortController();
    if (!this.#isInit) this.#probe(process, probes.signal);
    const exit = await process.exited;
    probes.abort();
    this.#process = undefined;
    const notExecuted = await executionFailure(exit, plan.argv, logFile);
    if (notExecuted !== undefined) {
      event('Warning', 'Failed', `Error: ${notExecuted}`);
      return ended(128, 'StartError', notExecuted);
    }
    return ended(exit.code, exit.code === 0 ? 'Completed' : 'Error', await this.#lastWords(exit.code));
  }

  /** What the container left as its termination message. */
  async #lastWords(exitCode: number): Promise<string> {
    const { dir, logFile } = this.#ports;
    const message = (await readFile(terminationLog(dir), 'utf8')).slice(0, 4096);
    if (message !== '' || exitCode === 0 || this.#container.terminationMessagePolicy !== 'FallbackToLogsOnError')
      return message;
    return (await readFile(logFile, 'utf8')).slice(-2048);
  }

  async #waitForRestart(end: ContainerTermination, ranFor: Millis): Promise<void> {
    const { wait, backOff } = nextStart(this.#backOff, ranFor);
    this.#backOff = backOff;
    if (wait > 0) {
      const { name, namespace, uid } = this.#ports.context.pod.metadata;
      const pod = `${name}_${namespace}(${uid})`;
      this.#ports.event(
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${this.#container.name} in pod ${pod}`,
      );
      this.#wait(
        'CrashLoopBackOff',
        `back-off ${formatBackOff(wait)} restarting failed container=${this.#container.name} pod=${pod}`,
      );
      await this.#pause(wait);
    }
    if (this.#stop.signal.aborted) {
      this.#set({ state: end });
      return;
    }
    this.#set({ restartCount: this.#record.restartCount + 1 });
  }

  #probe(process: ContainerProcess, ended: AbortSignal): void {
    const container = this.#container;
    const { probeHost: host, event, context } = this.#ports;
    startProbes(
      { container, process, host },
      {
        started: () => this.#set({ started: true, ready: container.readinessProbe === undefined }),
        ready: (ready) => {
          if (this.#record.ready !== ready) this.#set({ ready });
        },
        failed: (message) => event('Warning', 'Unhealthy', message),
        unhealthy: (kind) => {
          event('Normal', 'Killing', `Container ${container.name} failed ${kind} probe, will be restarted`);
          const ofPod = context.pod.spec.terminationGracePeriodSeconds ?? 30;
          void this.#kill(process, seconds(container[`${kind}Probe`]?.terminationGracePeriodSeconds ?? ofPod));
        },
      },
      ended,
    );
  }

  /** Ends the running program. A second call may shorten the grace that the first one gave. */
  async #kill(process: ContainerProcess, grace: Millis): Promise<void> {
    if (this.#killing === undefined) this.#killing = this.#killNow(process, grace);
    else if ((await endsWithin(process, grace)) === 'still running') process.kill('SIGKILL');
    await this.#killing;
  }

  async #killNow(process: ContainerProcess, grace: Millis): Promise<void> {
    const deadline = performance.now() + grace;
    const left = (): number => Math.max(deadline - performance.now(), 0);
    await this.#preStop(process, left());
    process.kill('SIGTERM');
    if ((await endsWithin(process, left())) === 'still running') process.kill('SIGKILL');
    if ((await endsWithin(process, killPatience)) === 'still running') {
      this.#ports.event('Warning', 'FailedKillPod', `container ${this.#container.name} does not end`);
    }
  }

  async #preStop(process: ContainerProcess, patience: number): Promise<void> {
    const hook = this.#container.lifecycle?.preStop;
    if (hook === undefined || patience === 0) return;
    const signal = AbortSignal.timeout(patience);
    if (hook.sleep) await sleep(Math.min(hook.sleep.seconds * 1000, patience));
    if (!hook.exec) return;
    const { code, output } = await process.exec(hook.exec.command, signal);
    if (code !== 0) {
      this.#ports.event('Warning', 'FailedPreStopHook', `PreStopHook failed: exit code ${code}: ${output.trimEnd()}`);
    }
  }
}

const endsWithin = async (process: ContainerProcess, patience: number): Promise<'ended' | 'still running'> => {
  const patienceEnds = new AbortController();
  const late = sleep(patience, 'still running' as const, { signal: patienceEnds.signal }).catch(() => 'ended' as const);
  const outcome = await Promise.race([process.exited.then(() => 'ended' as const), late]);
  patienceEnds.abort();
  return outcome;
};

/** The files of a container below the agent's state: its own folder, and its log by namespace, pod and name. */
export const containerPaths = (stateDir: string, context: PodContext, container: Container) => {
  const { namespace, name, uid } = context.pod.metadata;
  return {
    dir: join(stateDir, 'pods', uid, 'containers', container.name),
    logFile: join(stateDir, 'logs', `${namespace}_${name}`, `${container.name}.log`),
  };
};
