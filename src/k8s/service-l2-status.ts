import { announcedCondition } from '../domain/service/desired-status.ts';
import type { L2StatusView } from '../domain/service/announced.ts';
import { exact } from '../lib/exact.ts';
import { filled, list, object, text } from '../lib/json.ts';
import { findCondition, projectCondition } from './conditions.ts';

/** The labels of a `ServiceL2Status`, by which it is found. */
export const l2StatusLabels = {
  node: 'metallb.io/node',
  serviceName: 'metallb.io/service-name',
  serviceNamespace: 'metallb.io/service-namespace',
} as const;

/** From a raw `ServiceL2Status`. One that lacks a label is somebody's own, and gives `undefined`. */
export const projectL2Status = (raw: unknown): L2StatusView | undefined => {
  const { metadata: rawMetadata, status: rawStatus } = object(raw);
  const metadata = object(rawMetadata);
  const labels = object(metadata['labels']);
  const status = object(rawStatus);
  const name = filled(metadata['name']);
  const writer = filled(labels[l2StatusLabels.node]);
  const serviceName = filled(labels[l2StatusLabels.serviceName]);
  const serviceNamespace = filled(labels[l2StatusLabels.serviceNamespace]);
  if (name === undefined || writer === undefined || serviceName === undefined || serviceNamespace === undefined) {
    return undefined;
  }
  const announced = findCondition(status, announcedCondition);
  const interfaces = list(status['interfaces'])
    .flatMap((each) => filled(object(each)['name']) ?? [])
    .sort();
  return {
    name,
    uid: text(metadata['uid']) ?? '',
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    service: `${serviceNamespace}/${serviceName}`,
    writer,
    owners: exact(list(metadata['ownerReferences']).flatMap((owner) => filled(object(owner)['uid']) ?? [])),
    node: filled(status['node']),
    interfaces: interfaces.length === 0 ? undefined : interfaces,
    condition: announced && {
      ...projectCondition(announcedCondition, announced),
      since: text(announced['lastTransitionTime']) ?? '',
    },
  };
};
