import type { Result } from '../lib/result.ts';

/** Labels or annotations of an object. */
export type StringMap = Readonly<Record<string, string>>;

/** `namespace/name` of a namespaced object. */
export type ObjectKey = string;

/** What we keep of a Service: what the controller or the speaker reads, so that nothing else is held in memory. */
export type ServiceView = {
  readonly key: ObjectKey;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `metadata.creationTimestamp`, RFC 3339 in UTC: text order is time order. */
  readonly createdAt: string;
  readonly labels: StringMap;
  /** Only those whose key begins with `metallb.io/` or `metallb.universe.tf/`. */
  readonly annotations: StringMap;
  /** `spec.type`: ClusterIP, NodePort, LoadBalancer, ExternalName. */
  readonly type: string;
  readonly loadBalancerClass: string | undefined;
  /** `spec.clusterIPs`, or the one `spec.clusterIP`; a headless service has `None`. */
  readonly clusterIPs: readonly string[];
  /** `spec.loadBalancerIP`; empty text counts as absent. */
  readonly loadBalancerIP: string | undefined;
  /** `spec.ipFamilies`, the first one being the primary family. */
  readonly ipFamilies: readonly string[];
  readonly ipFamilyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  readonly externalTrafficPolicy: 'Cluster' | 'Local';
  /** `spec.selector` as text, `a=b,c=d` in order of keys: equal texts mean equal backends. */
  readonly selector: string;
  /** `spec.ports`: protocol and port of each, such as `TCP/80`. */
  readonly ports: readonly string[];
  /** `status.loadBalancer.ingress` without `ipMode` and `ports`; who wrote it is not known here. */
  readonly ingress: readonly { readonly ip?: string; readonly hostname?: string }[];
  /** Those of `status.conditions` whose type begins with `metallb.io/`. */
  readonly conditions: readonly ServiceCondition[];
};

/** A condition without its time (`metav1.Condition`). */
export type ServiceCondition = {
  /** `metallb.io/Allocated` */
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
};

/** What we keep of an EndpointSlice: which nodes can serve. */
export type EndpointSliceView = {
  readonly key: ObjectKey;
  readonly resourceVersion: string;
  /** Key of the Service it belongs to, from the label `kubernetes.io/service-name`; undefined without that label. */
  readonly serviceKey: ObjectKey | undefined;
  readonly endpoints: readonly {
    readonly nodeName: string | undefined;
    /** Usable: ready is true or absent, or else serving is true. */
    readonly usable: boolean;
    /** Its pod is ready and does not end: ready is true or absent. */
    readonly ready: boolean;
  }[];
};

/** What we keep of a Node. */
export type NodeView = {
  readonly name: string;
  readonly labels: StringMap;
  /** Condition Ready is True, or there is none. */
  readonly ready: boolean;
  /** Condition NetworkUnavailable is True. */
  readonly networkUnavailable: boolean;
  /** `status.addresses` of the types InternalIP and ExternalIP, as they stand there. */
  readonly addresses: readonly string[];
};

/** What we keep of a speaker Pod. */
export type SpeakerPodView = {
  readonly key: ObjectKey;
  readonly nodeName: string | undefined;
  /** `status.podIPs`, or the one `status.podIP`, as they stand there. */
  readonly ips: readonly string[];
  /** Condition Ready is True, and the pod is not being deleted. */
  readonly ready: boolean;
};

/** What we keep of a Namespace. */
export type NamespaceView = {
  readonly name: string;
  readonly labels: StringMap;
};

/** What we keep of the ConfigMap `config`, which configured MetalLB before version 0.13. */
export type ConfigMapView = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** It is marked as wanted: `inUseAnnotation` is `true`. */
  readonly isInUse: boolean;
  /**
   * The document under the key `config`, as `src/domain/legacy/parse-document.ts` gives it, or why it is not YAML;
   * undefined if nothing is written there. Parsed where the ConfigMap is watched, so that a program without one need not
   * load the YAML parser.
   */
  readonly config: Result<unknown> | undefined;
  /** Of the object when its content last changed. */
  readonly resourceVersion?: string | undefined;
  /** Why the text that stands there now is not YAML, if `config` is what stood there before. */
  readonly newerError?: string | undefined;
};

/** On the old ConfigMap: with `true` it is the configuration, or a part of it. */
export const inUseAnnotation = 'metallb.io/in-use';

/** The MetalLB annotations of a Service; the first key wins over the deprecated second, even when it is empty. */
export const annotationKeys = {
  addressPool: ['metallb.io/address-pool', 'metallb.universe.tf/address-pool'],
  loadBalancerIPs: ['metallb.io/loadBalancerIPs', 'metallb.universe.tf/loadBalancerIPs'],
  allowSharedIp: ['metallb.io/allow-shared-ip', 'metallb.universe.tf/allow-shared-ip'],
  /** Written by the controller: the pool the addresses came from. */
  allocatedFromPool: ['metallb.io/ip-allocated-from-pool'],
} as const satisfies Record<string, readonly string[]>;

/** The value of an annotation by its current key, else by its deprecated one. */
export const annotation = (
  service: Pick<ServiceView, 'annotations'>,
  name: keyof typeof annotationKeys,
): string | undefined =>
  annotationKeys[name].map((key) => service.annotations[key]).find((value) => value !== undefined);

/** Whether this process handles services of that class (`--lb-class`; empty means services without a class). */
export const handlesClass = (ourClass: string, service: Pick<ServiceView, 'loadBalancerClass'>): boolean =>
  (service.loadBalancerClass ?? '') === ourClass;
