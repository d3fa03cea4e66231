import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from '../../../src/k8s/client/api.ts';
import type { PodAddresses } from './environment.ts';
import type { Observation, ObjectCache } from './object-cache.ts';
import type { ConfigMap, Pod, Secret, Volume } from './types.ts';
import { projectionsOf, type TokenProjection, tokenOwner, volumePayload, volumeReferences } from './volume-payload.ts';
import { makeEmptyDir, writeVolume } from './volume-writer.ts';

/** Folders and files of the machine that a pod may see: nothing in them is changed or secret. */
const harmlessHostPaths = ['/etc/localtime', '/etc/machine-id', '/lib/modules', '/usr/share/zoneinfo', '/dev/null'];

/** A token is replaced when this part of its life is over, as the kubelet does. */
const refreshAt = 0.8;
/**
 * Pauses after a token could not be had, in ms. The API server takes a moment to learn that a new pod is on this node and
 * refuses so long, hence the short first ones, of which nothing is told.
 */
const firstTokenPause = 50;
const lastTokenPause = 2000;
const toldTokenPause = 1000;

type Ports = {
  readonly api: Api;
  readonly cache: ObjectCache;
  /** Says that a volume cannot be mounted, as often as it is tried; the caller limits how often it is told. */
  readonly failed: (volume: string, why: string) => void;
};

/**
 * The volumes of one pod, as folders below `dir` that containers mount. Secrets, ConfigMaps and tokens are kept up to
 * date until `stop`.
 */
export class PodVolumes {
  readonly #ports: Ports;
  readonly #dir: string;
  readonly #pod: Pod;
  readonly #addresses: PodAddresses;
  readonly #secrets = new Map<string, Observation<Secret>>();
  readonly #configMaps = new Map<string, Observation<ConfigMap>>();
  readonly #tokens = new Map<TokenProjection, string>();
  readonly #written = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ready = Promise.withResolvers<void>();
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(ports: Ports, dir: string, pod: Pod, addresses: PodAddresses) {
    this.#ports = ports;
    this.#dir = dir;
    this.#pod = pod;
    this.#addresses = addresses;
  }

  /** Where a volume is on the machine. */
  pathOf(volume: Volume): string {
    return volume.hostPath ? volume.hostPath.path : join(this.#dir, volume.name);
  }

  /** Starts keeping the volumes; resolves once all of them can be mounted, which may be never. */
  setUp(): Promise<void> {
    const sync = (): void => this.#schedule();
    const { namespace } = this.#pod.metadata;
    for (const volume of this.#volumes) {
      const { secrets, configMaps, tokens } = volumeReferences(volume);
      for (const name of secrets) {
        if (!this.#secrets.has(name))
          this.#secrets.set(name, this.#ports.cache.observe('secrets', namespace, name, sync));
      }
      for (const name of configMaps) {
        if (this.#configMaps.has(name)) continue;
        this.#configMaps.set(name, this.#ports.cache.observe('configmaps', namespace, name, sync));
      }
      for (const token of tokens) this.#keepToken(volume.name, token);
    }
    this.#schedule();
    return this.#ready.promise;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { stop } of [...this.#secrets.values(), ...this.#configMaps.values()]) stop();
  }

  get #volumes(): readonly Volume[] {
    return this.#pod.spec.volumes ?? [];
  }

  /** One write after the other; each looks at the newest state. */
  #schedule(): void {
    this.#work = this.#work
      .then(() => this.#sync())
      .catch((error: unknown) => {
        this.#ports.failed(this.#volumes[0]?.name ?? '', error instanceof Error ? error.message : String(error));
      });
  }

  async #sync(): Promise<void> {
    if (this.#stopped) return;
    const results: boolean[] = [];
    for (const volume of this.#volumes) results.push(await this.#mount(volume));
    if (results.every(Boolean)) this.#ready.resolve();
  }

  /** Whether the volume can be mounted now. */
  async #mount(volume: Volume): Promise<boolean> {
    const { fsGroup } = this.#pod.spec.securityContext ?? {};
    const path = this.pathOf(volume);
    const fail = (why: string): boolean => {
      this.#ports.failed(volume.name, why);
      return false;
    };
    if (volume.emptyDir) {
      if (!this.#written.has(volume.name)) await makeEmptyDir(path, { fsGroup });
      this.#written.set(volume.name, '');
      return true;
    }
    if (volume.hostPath) {
      if (!harmlessHostPaths.includes(path)) return fail(`the sandbox does not give pods the machine's ${path}`);
      return lstat(path).then(
        () => true,
        () => fail(`hostPath type check failed: ${path} does not exist`),
      );
    }
    if (projectionsOf(volume) === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'nothing';
      return fail(`the sandbox has no volumes of the kind ${kind}`);
    }
    const { secrets, configMaps, tokens } = volumeReferences(volume);
    const observations = [
      ...secrets.map((name) => this.#secrets.get(name)),
      ...configMaps.map((name) => this.#configMaps.get(name)),
    ];
    if (observations.some((observation) => observation?.current().known !== true)) return false;
    if (tokens.some((token) => !this.#tokens.has(token))) return false;
    const current = <T>(observation: Observation<T> | undefined): T | undefined => {
      const observed = observation?.current();
      return observed?.known === true ? observed.object : undefined;
    };
    const payload = volumePayload(volume, {
      pod: this.#pod,
      addresses: this.#addresses,
      secret: (name) => current(this.#secrets.get(name)),
      configMap: (name) => current(this.#configMaps.get(name)),
      token: (token) => this.#tokens.get(token) ?? '',
    });
    if (!payload.ok) return fail(payload.error);
    const content = JSON.stringify(
      [...payload.value].map(([name, file]) => [name, file.mode, file.content.toString('base64')]),
    );
    if (this.#written.get(volume.name) !== content) {
      const uid = tokens.length > 0 ? tokenOwner(this.#pod) : undefined;
      await writeVolume(path, payload.value, { uid, fsGroup });
      this.#written.set(volume.name, content);
    }
    return true;
  }

  /** Requests a token bound to the pod, again and again before it ends. */
  #keepToken(volume: string, projection: TokenProjection): void {
    const { namespace, name, uid } = this.#pod.metadata;
    const account = this.#pod.spec.serviceAccountName ?? 'default';
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: projection.audience === undefined ? [] : [projection.audience],
        expirationSeconds: projection.expirationSeconds ?? 3600,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    type Answer = { readonly status: { readonly token: string; readonly expirationTimestamp: string } };
    let pause = firstTokenPause;
    const renew = async (): Promise<void> => {
      let next: number;
      try {
        const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
        const { status } = (await this.#ports.api.request({ method: 'POST', path, body: request })) as Answer;
        this.#tokens.set(projection, status.token);
        next = Math.min((Date.parse(status.expirationTimestamp) - Date.now()) * refreshAt, 2 ** 31 - 1);
        pause = firstTokenPause;
        this.#schedule();
      } catch (error) {
        next = pause;
        if (pause > toldTokenPause) this.#ports.failed(volume, `failed to fetch token: ${(error as Error).message}`);
        pause = Math.min(pause * 2, lastTokenPause);
      }
      if (this.#stopped) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void renew();
      }, next);
      this.#timers.add(timer);
    };
    void renew();
  }
}
