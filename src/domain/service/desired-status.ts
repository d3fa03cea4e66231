import type { Ip } from '../../lib/ip.ts';
import { annotationKeys, type ServiceCondition, type ServiceView } from '../objects.ts';

/** What is to stand in the service's status and in our annotation. */
export type DesiredStatus = {
  /** Undefined: addresses and annotation stay as they are; they are not ours to write. */
  readonly ingress: readonly Ip[] | undefined;
  /** Value of `metallb.io/ip-allocated-from-pool`; undefined: no such annotation. */
  readonly allocatedFrom: string | undefined;
  /** The condition `metallb.io/Allocated`; undefined: no condition of ours. */
  readonly condition: ServiceCondition | undefined;
};

export const allocatedCondition = 'metallb.io/Allocated';

/** Who announces the addresses, or why nobody does: written apart, and taken away together with the other. */
export const announcedCondition = 'metallb.io/Announced';

const [allocatedFromKey] = annotationKeys.allocatedFromPool;

/** A status that says nothing of us. */
export const emptyStatus: DesiredStatus = { ingress: [], allocatedFrom: undefined, condition: undefined };

/** The condition of that type that stands in the status. */
export const conditionOf = (
  { conditions }: Pick<ServiceView, 'conditions'>,
  type: string,
): ServiceCondition | undefined => conditions.find((condition) => condition.type === type);

/** Whether status, annotation and condition say already what they should. */
export const isWritten = (service: ServiceView, status: DesiredStatus): boolean =>
  isIngressWritten(service, status) && isAnnotationWritten(service, status) && isConditionWritten(service, status);

export const isIngressWritten = ({ ingress }: ServiceView, { ingress: desired }: DesiredStatus): boolean =>
  desired === undefined ||
  (ingress.length === desired.length &&
    ingress.every((entry, i) => entry.ip === desired[i] && entry.hostname === undefined));

export const isAnnotationWritten = ({ annotations }: ServiceView, { ingress, allocatedFrom }: DesiredStatus): boolean =>
  ingress === undefined || annotations[allocatedFromKey] === allocatedFrom;

export const isConditionWritten = (service: ServiceView, { condition }: Pick<DesiredStatus, 'condition'>): boolean => {
  if (condition === undefined) return !hasCondition(service);
  const written = conditionOf(service, allocatedCondition);
  return (
    written?.status === condition.status && written.reason === condition.reason && written.message === condition.message
  );
};

/** Whether any condition stands in the status that we write. */
export const hasCondition = ({ conditions }: Pick<ServiceView, 'conditions'>): boolean => conditions.some(isOurs);

const isOurs = ({ type }: ServiceCondition): boolean => type === allocatedCondition || type === announcedCondition;

/** The service as it will be when a status that is being written stands. */
export const withStatus = (service: ServiceView, { ingress, allocatedFrom, condition }: DesiredStatus): ServiceView => {
  const conditions =
    condition === undefined
      ? service.conditions.filter((each) => !isOurs(each))
      : [...service.conditions.filter(({ type }) => type !== allocatedCondition), condition];
  if (ingress === undefined) return { ...service, conditions };
  const { [allocatedFromKey]: _, ...annotations } = service.annotations;
  return {
    ...service,
    conditions,
    ingress: ingress.map((ip) => ({ ip })),
    annotations: allocatedFrom === undefined ? annotations : { ...annotations, [allocatedFromKey]: allocatedFrom },
  };
};
