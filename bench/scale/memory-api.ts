import type { ServiceView } from '../../src/domain/objects.ts';
import type { Api, ApiRequest } from '../../src/k8s/client/api.ts';
import { projectService } from '../../src/k8s/projections.ts';

type RawService = {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly annotations: object };
  readonly spec: object;
  readonly status: Readonly<Record<string, unknown>>;
};

type StatusPatch = {
  readonly metadata: { readonly annotations?: object };
  readonly status: { readonly loadBalancer?: object; readonly conditions?: readonly object[] };
};

/** What somebody who watches is told: the service as it is, and as it was; undefined: as it is gone, or was not there. */
type OnChange = (now: ServiceView | undefined, before: ServiceView | undefined) => void;

const statusPath = /^\/api\/v1\/namespaces\/default\/services\/(?<name>[^/]+)\/status$/;

/**
 * As much of an API server as the controller writes to, without network, JSON and conflicts: what is measured before it
 * is the controller alone. Services are of the namespace `default`.
 */
export class MemoryApi implements Api {
  readonly #services = new Map<string, RawService>();
  #version = 1;
  #onChange: OnChange = () => {};
  /** How many writes of each kind there were. */
  readonly writes = { status: 0, events: 0, others: 0 };

  watch(onChange: OnChange): void {
    this.#onChange = onChange;
  }

  /** Creates services, the first of which has that number in its name. */
  create(first: number, count: number): void {
    for (let index = first; index < first + count; index++) {
      const name = `service-${index}`;
      const metadata = { name, namespace: 'default', uid: `uid-${name}`, annotations: {} };
      const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.10', ports: [{ protocol: 'TCP', port: 80 }] };
      this.#put(name, { metadata, spec, status: {} }, undefined);
    }
  }

  remove(first: number, count: number): void {
    for (let index = first; index < first + count; index++) {
      const before = projectService(this.#services.get(`service-${index}`));
      this.#services.delete(`service-${index}`);
      this.#onChange(undefined, before);
    }
  }

  views(): ServiceView[] {
    return [...this.#services.values()].flatMap((raw) => projectService(raw) ?? []);
  }

  /** Keeps nothing more: for a look at what its client keeps. */
  forget(): void {
    this.#services.clear();
  }

  request({ method, path, body }: ApiRequest): Promise<unknown> {
    const name = statusPath.exec(path)?.groups?.['name'];
    const before = name === undefined ? undefined : this.#services.get(name);
    if (name === undefined || before === undefined) {
      this.writes[method === 'POST' && path.endsWith('/events') ? 'events' : 'others']++;
      return Promise.resolve({});
    }
    this.writes.status++;
    const { metadata, status } = body as StatusPatch;
    const after = {
      ...before,
      metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, ...metadata.annotations } },
      status: { ...before.status, ...status },
    };
    return Promise.resolve(this.#put(name, after, projectService(before)));
  }

  stream(): Promise<never> {
    return Promise.reject(new Error('nothing is read from here'));
  }

  close(): void {}

  #put(name: string, service: RawService, before: ServiceView | undefined): RawService {
    const raw = { ...service, metadata: { ...service.metadata, resourceVersion: `${this.#version++}` } };
    this.#services.set(name, raw);
    // After the answer to the write, as it mostly is.
    setImmediate(() => this.#onChange(projectService(raw), before));
    return raw;
  }
}
