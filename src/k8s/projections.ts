import {
  type ConfigMapView,
  type EndpointSliceView,
  inUseAnnotation,
  type NamespaceView,
  type NodeView,
  type ServiceCondition,
  type ServiceView,
  type SpeakerPodView,
  type StringMap,
} from '../domain/objects.ts';
import { exact } from '../lib/exact.ts';
import { filled, list, object, stringMap, text } from '../lib/json.ts';
import { findCondition, projectCondition } from './conditions.ts';
import { objectKey } from './object-key.ts';

/**
 * From raw objects of the API to the views we keep. The API server has defaulted and validated them, but a field that
 * is missing or of another kind counts as absent all the same. An object without a name gives `undefined`.
 */

const ourPrefixes = ['metallb.io/', 'metallb.universe.tf/'];
const isOurs = (key: string): boolean => ourPrefixes.some((prefix) => key.startsWith(prefix));

/** From a raw core/v1 Service. Of the annotations only ours are kept. */
export const projectService = (raw: unknown): ServiceView | undefined => {
  const key = objectKey(raw);
  const { metadata: rawMetadata, spec: rawSpec, status } = object(raw);
  const metadata = object(rawMetadata);
  const spec = object(rawSpec);
  const namespace = filled(metadata['namespace']);
  const name = filled(metadata['name']);
  if (key === undefined || namespace === undefined || name === undefined) return undefined;
  return {
    key,
    namespace,
    name,
    uid: text(metadata['uid']) ?? '',
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    createdAt: text(metadata['creationTimestamp']) ?? '',
    labels: stringMap(metadata['labels']),
    annotations: stringMap(metadata['annotations'], isOurs),
    type: filled(spec['type']) ?? 'ClusterIP',
    loadBalancerClass: filled(spec['loadBalancerClass']),
    clusterIPs: clusterIps(spec['clusterIPs'], spec['clusterIP']),
    loadBalancerIP: filled(spec['loadBalancerIP']),
    ipFamilies: texts(spec['ipFamilies']),
    ipFamilyPolicy: familyPolicy(spec['ipFamilyPolicy']),
    externalTrafficPolicy: spec['externalTrafficPolicy'] === 'Local' ? 'Local' : 'Cluster',
    selector: selectorText(stringMap(spec['selector'])),
    ports: list(spec['ports']).map(portText),
    ingress: list(object(object(status)['loadBalancer'])['ingress']).map(ingressEntry),
    conditions: exact(list(object(status)['conditions']).flatMap((raw) => ourCondition(object(raw)) ?? [])),
  };
};

/** The texts of a list that are not empty. */
const texts = (raw: unknown): readonly string[] => exact(list(raw).flatMap((item) => filled(item) ?? []));

const familyPolicy = (raw: unknown): ServiceView['ipFamilyPolicy'] =>
  raw === 'PreferDualStack' || raw === 'RequireDualStack' ? raw : 'SingleStack';

const selectorText = (selector: StringMap): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join();

const portText = (raw: unknown): string => {
  const { protocol, port } = object(raw);
  return `${filled(protocol) ?? 'TCP'}/${typeof port === 'number' ? port : 0}`;
};

const ourCondition = (raw: Readonly<Record<string, unknown>>): ServiceCondition | undefined => {
  const type = text(raw['type']);
  return type !== undefined && isOurs(type) ? projectCondition(type, raw) : undefined;
};

const clusterIps = (many: unknown, one: unknown): readonly string[] => {
  const listed = texts(many);
  const single = filled(one);
  return listed.length > 0 || single === undefined ? listed : [single];
};

const ingressEntry = (raw: unknown): ServiceView['ingress'][number] => {
  const ip = filled(object(raw)['ip']);
  const hostname = filled(object(raw)['hostname']);
  return { ...(ip === undefined ? {} : { ip }), ...(hostname === undefined ? {} : { hostname }) };
};

const serviceNameLabel = 'kubernetes.io/service-name';

/** From a raw discovery.k8s.io/v1 EndpointSlice. Each endpoint is kept, also one without a node. */
export const projectEndpointSlice = (raw: unknown): EndpointSliceView | undefined => {
  const key = objectKey(raw);
  const metadata = object(object(raw)['metadata']);
  const namespace = filled(metadata['namespace']);
  if (key === undefined || namespace === undefined) return undefined;
  const serviceName = filled(object(metadata['labels'])[serviceNameLabel]);
  return {
    key,
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    serviceKey: serviceName === undefined ? undefined : `${namespace}/${serviceName}`,
    endpoints: list(object(raw)['endpoints']).map((endpoint) => {
      const { nodeName, conditions } = object(endpoint);
      const { ready: isReady, serving } = object(conditions);
      const ready = isAbsentOrTrue(isReady);
      return { nodeName: filled(nodeName), usable: ready || serving === true, ready };
    }),
  };
};

/** A tri-state of the API: not said means true. */
const isAbsentOrTrue = (value: unknown): boolean => value === undefined || value === null || value === true;

/** From a raw core/v1 Node. */
export const projectNode = (raw: unknown): NodeView | undefined => {
  const { metadata, status } = object(raw);
  const name = filled(object(metadata)['name']);
  if (name === undefined) return undefined;
  return {
    name,
    labels: stringMap(object(metadata)['labels']),
    ready: conditionStatus(status, 'Ready') === undefined || isConditionTrue(status, 'Ready'),
    networkUnavailable: isConditionTrue(status, 'NetworkUnavailable'),
    addresses: list(object(status)['addresses']).flatMap((raw) => {
      const { type, address } = object(raw);
      return type === 'InternalIP' || type === 'ExternalIP' ? (filled(address) ?? []) : [];
    }),
  };
};

/** Whether `status.conditions` has that type with the status True. */
const isConditionTrue = (status: unknown, type: string): boolean => conditionStatus(status, type) === 'True';

const conditionStatus = (status: unknown, type: string): unknown => findCondition(status, type)?.['status'];

/** From a raw core/v1 Pod. */
export const projectSpeakerPod = (raw: unknown): SpeakerPodView | undefined => {
  const key = objectKey(raw);
  const { metadata, spec, status } = object(raw);
  if (key === undefined) return undefined;
  const isLeaving = filled(object(metadata)['deletionTimestamp']) !== undefined;
  return {
    key,
    nodeName: filled(object(spec)['nodeName']),
    ips: podIps(object(status)),
    ready: !isLeaving && isConditionTrue(status, 'Ready'),
  };
};

const podIps = ({ podIPs, podIP }: Readonly<Record<string, unknown>>): readonly string[] => {
  const many = list(podIPs).flatMap((raw) => filled(object(raw)['ip']) ?? []);
  const one = filled(podIP);
  return many.length > 0 || one === undefined ? many : [one];
};

/** From a raw core/v1 Namespace. */
export const projectNamespace = (raw: unknown): NamespaceView | undefined => {
  const metadata = object(object(raw)['metadata']);
  const name = filled(metadata['name']);
  return name === undefined ? undefined : { name, labels: stringMap(metadata['labels']) };
};

/** A ConfigMap with the configuration of MetalLB before version 0.13, as it stands on the API server. */
export type ConfigMapText = Omit<ConfigMapView, 'config'> & {
  readonly resourceVersion: string;
  /** The text under the key `config`; undefined if it is blank. */
  readonly config: string | undefined;
};

/** From a raw core/v1 ConfigMap. */
export const projectConfigMap = (raw: unknown): ConfigMapText | undefined => {
  const { metadata: rawMetadata, data } = object(raw);
  const metadata = object(rawMetadata);
  const namespace = filled(metadata['namespace']);
  const name = filled(metadata['name']);
  if (namespace === undefined || name === undefined) return undefined;
  const config = text(object(data)['config']);
  return {
    namespace,
    name,
    uid: text(metadata['uid']) ?? '',
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    isInUse: object(metadata['annotations'])[inUseAnnotation] === 'true',
    config: config?.trim() ? config : undefined,
  };
};
