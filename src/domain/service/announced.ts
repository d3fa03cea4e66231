import { compareText } from '../../lib/sorted.ts';
import type { ObjectKey, ServiceCondition } from '../objects.ts';
import { announcedCondition } from './desired-status.ts';
import { quote, quoteList } from './text.ts';

/** What we keep of a `ServiceL2Status`: what the speaker of one node says of one service. */
export type L2StatusView = {
  /** Name of the object. */
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The service it speaks of, and the node whose speaker wrote it. */
  readonly service: ObjectKey;
  readonly writer: string;
  /** UIDs of its owners. */
  readonly owners: readonly string[];
  /** The node that announces the service; undefined: none. */
  readonly node: string | undefined;
  /** Names of interfaces, sorted; undefined: all of the node. */
  readonly interfaces: readonly string[] | undefined;
  /** The condition `metallb.io/Announced`, and since when its status is so; speakers of MetalLB write none. */
  readonly condition: (ServiceCondition & { readonly since: string }) | undefined;
};

/**
 * The condition `metallb.io/Announced` of a service, from all that speakers say of it; undefined while none has said
 * anything. It is true if any node announces the service.
 */
export const announced = (
  statuses: Iterable<Pick<L2StatusView, 'node' | 'interfaces' | 'condition'>>,
): ServiceCondition | undefined => {
  const said = [...statuses]
    .flatMap((status) => saidBy(status) ?? [])
    .sort((a, b) => compareText(a.message, b.message));
  const good = said.filter(({ status }) => status === 'True');
  const counted = good.length > 0 ? good : said;
  // What is out of the ordinary is the better word for all of it.
  const first = counted.find(({ reason }) => reason !== 'Announced') ?? counted[0];
  return first && { ...first, message: counted.map(({ message }) => message).join('; ') };
};

const saidBy = ({
  node,
  interfaces,
  condition,
}: Pick<L2StatusView, 'node' | 'interfaces' | 'condition'>): ServiceCondition | undefined => {
  const type = announcedCondition;
  if (condition !== undefined) {
    const { status, reason, message } = condition;
    return { type, status, reason, message };
  }
  return node === undefined
    ? undefined
    : { type, status: 'True', reason: 'Announced', message: announcedBy(node, interfaces) };
};

/** Who announces a service, and where. */
export const announcedBy = (node: string, interfaces: readonly string[] | undefined): string =>
  `node ${quote(node)} announces it on ${interfaces === undefined ? 'every interface' : `interfaces ${quoteList(interfaces)}`}`;

/** Said of a service whose addresses no speaker speaks of. */
export const noSpeaker: ServiceCondition = {
  type: announcedCondition,
  status: 'Unknown',
  reason: 'NoSpeaker',
  message: 'no speaker says whether it announces the service; do the speaker pods run, and reach the API server?',
};
