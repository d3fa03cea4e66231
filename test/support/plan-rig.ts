import { Allocator } from '../../src/domain/allocator/allocator.ts';
import type { NamingAdvertisement, Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { isAnnotationWritten, isIngressWritten, withStatus } from '../../src/domain/service/desired-status.ts';
import type { PlanContext } from '../../src/domain/service/plan-context.ts';
import { planService, type ServicePlan } from '../../src/domain/service/plan.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { l2Advertisement } from './builders.ts';

export const allocatedFrom = 'metallb.io/ip-allocated-from-pool';
export const askPool = 'metallb.io/address-pool';
export const askIps = 'metallb.io/loadBalancerIPs';
export const askSharing = 'metallb.io/allow-shared-ip';

/** An advertisement that covers every pool. */
export const everyPool: NamingAdvertisement = {
  advertisement: l2Advertisement('l2'),
  poolNames: undefined,
};

/** The field `serviceAllocation` of a pool. */
export const pinned = (priority: number, namespaces?: readonly string[]): Partial<Pool> => ({
  serviceAllocation: { priority, namespaces: namespaces && new Set(namespaces), serviceSelectors: [] },
});

/** What plans are made from, with an allocator that may be changed. */
export type PlanRig = PlanContext & { readonly allocations: Allocator };

export const planRig = (...pools: readonly Pool[]): PlanRig => {
  const allocations = new Allocator();
  allocations.setPools(pools);
  return {
    pools,
    l2Advertisements: [everyPool],
    bgpAdvertisements: [],
    allocations,
    viewOf: () => undefined,
    metallbNamespace: 'metallb-system',
    lbClass: '',
    reassignOnPoolChange: false,
  };
};

/** Puts other pools in force. */
export const edit = (before: PlanRig, ...pools: readonly Pool[]): PlanRig => {
  before.allocations.setPools(pools);
  return { ...before, pools };
};

/** Gives addresses to services that are not looked at. */
export const occupy = ({ allocations }: PlanRig, ...ips: readonly string[]): void => {
  for (const ip of ips) allocations.assign(`other/${ip}`, { ips: [ip as Ip], pool: undefined });
};

/** Performs a plan as the controller does, and gives the service as it stands then. */
export const perform = (view: ServiceView, plan: ServicePlan, { allocations }: PlanRig): ServiceView => {
  if (plan.allocation === undefined) allocations.release(view.key);
  else allocations.assign(view.key, plan.allocation);
  return plan.status === undefined ? view : withStatus(view, plan.status);
};

export const serve = (view: ServiceView, context: PlanRig): ServiceView =>
  perform(view, planService(view, context), context);

/** What is told, each as one text. */
export const told = ({ events, standing }: ServicePlan): string[] =>
  [...events, ...standing].map(({ type, reason, message }) => `${type} ${reason} ${message}`);

export const addressesOf = (view: ServiceView): readonly (string | undefined)[] => view.ingress.map(({ ip }) => ip);

/** The condition of a plan as one text: status, reason, message. */
export const conditionText = ({ status }: ServicePlan): string | undefined => {
  const condition = status?.condition;
  return condition && `${condition.status} ${condition.reason} ${condition.message}`;
};

/** Whether a plan leaves addresses and annotation as they are. */
export const leavesAddresses = (view: ServiceView, { status }: ServicePlan): boolean =>
  status !== undefined && isIngressWritten(view, status) && isAnnotationWritten(view, status);
