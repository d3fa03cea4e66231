import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, isConflict, isNotFound } from '../../../src/k8s/client/api.ts';
import type { Log } from '../../../src/lib/log.ts';
import { strategicPatch } from './strategic-patch.ts';
import { timestamp } from './timestamp.ts';
import type { Condition, Pod, PodStatus } from './types.ts';

/** Pause after a write that failed, in ms. */
const retryPause = 500;

/** Works out the status to write; `previous` are the conditions as they were last written, `now` stamps those that change. */
export type ComputeStatus = (previous: readonly Condition[], now: string) => PodStatus;

/** Keeps the status of one pod in the API as it is here: one write at a time, and changes that come together are one. */
export class StatusWriter {
  readonly #api: Pick<Api, 'request'>;
  readonly #log: Log;
  readonly #pod: Pod;
  readonly #compute: ComputeStatus;
  #previous: readonly Condition[];
  #written = '';
  /** The version of the pod that our last write made. */
  #version = 0;
  #isDirty = false;
  #isGone = false;
  #work: Promise<void> | undefined;

  constructor(api: Pick<Api, 'request'>, log: Log, pod: Pod, compute: ComputeStatus) {
    this.#api = api;
    this.#log = log;
    this.#pod = pod;
    this.#compute = compute;
    this.#previous = pod.status?.conditions ?? [];
  }

  /** Something that the status shows may have changed. */
  changed(): void {
    this.#isDirty = true;
    this.#work ??= this.#run();
  }

  /** Resolves when everything is written. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /**
   * Takes the pod as the API has it. What somebody else wrote into our conditions is put right: the node lifecycle
   * controller takes readiness from the pods of a node that it has lost sight of.
   */
  observed({ metadata, status }: Pod): void {
    // Older than our own write: it shows what stood there before.
    if (this.#version === 0 || Number(metadata.resourceVersion) < this.#version) return;
    const isSame = this.#previous.every(({ type, status: own }) =>
      status?.conditions?.some((condition) => condition.type === type && condition.status === own),
    );
    if (isSame) return;
    this.#written = '';
    this.changed();
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isGone) {
      this.#isDirty = false;
      await new Promise(setImmediate);
      await this.#write();
    }
    this.#work = undefined;
  }

  async #write(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    const status = this.#compute(this.#previous, timestamp());
    const content = JSON.stringify(status);
    if (content === this.#written) return;
    const conditions = status.conditions?.map((condition) => ({ reason: null, message: null, ...condition }));
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    const body = { metadata: { uid }, status: { ...status, conditions } };
    try {
      const answer = (await strategicPatch(this.#api, path, body)) as Pod;
      this.#version = Number(answer.metadata.resourceVersion);
      this.#written = content;
      this.#previous = status.conditions ?? [];
    } catch (error) {
      // Gone, or another pod of that name has come.
      this.#isGone = isNotFound(error) || isConflict(error);
      if (this.#isGone) return;
      this.#log.warn('status not written yet', { pod: name, namespace, error });
      this.#isDirty = true;
      await sleep(retryPause);
    }
  }
}
