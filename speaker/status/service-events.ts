import type { EventText } from '../../src/k8s/events/events.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { boundText, clashingText, conflictText, type Situation } from './explain.ts';

const warning = (reason: string, message: string): EventText => ({ type: 'Warning', reason, message });

const announceFailed = (ip: Ip, node: string): EventText =>
  warning(
    'announceFailed',
    `the interfaces specified by LB IP "${ip}" doesn't exist in assigned node "${node}" with protocol "layer2"`,
  );

/** What is to be told of a service on this node, by the state that it tells of: once, while that state lasts. */
export const serviceEvents = ({ self, announcement, conflicts, bound }: Situation): ReadonlyMap<string, EventText> => {
  const { key, answered, withoutInterface, owner, reason, clashing, nodes } = announcement;
  const events = new Map<string, EventText>();
  if (answered.length > 0) {
    const message = `announcing from node "${self}" with protocol "layer2"`;
    events.set('nodeAssigned', { type: 'Normal', reason: 'nodeAssigned', message });
  }
  for (const ip of withoutInterface) events.set(`announceFailed ${ip}`, announceFailed(ip, self));
  const [lacking] = [...nodes.keys()].filter((node) => nodes.get(node) === 'noInterface').sort();
  if (reason === 'noCandidate' && key !== undefined && lacking !== undefined) {
    events.set('announceFailed', announceFailed(key, lacking));
  }
  for (const [ip, conflict] of owner === self ? conflicts : []) {
    const state = `AddressConflict ${ip} ${conflict.mac} ${conflict.isDefended}`;
    events.set(state, warning('AddressConflict', conflictText(ip, conflict)));
  }
  for (const { ip } of answered) {
    const names = bound.get(ip);
    if (names !== undefined) events.set(`BoundLocally ${ip}`, warning('BoundLocally', boundText(ip, names)));
  }
  if (reason === 'clashingEndpoints') {
    events.set('ClashingEndpoints', warning('ClashingEndpoints', clashingText(clashing)));
  }
  return events;
};
