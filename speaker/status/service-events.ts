import type { EventText } from '../../src/k8s/events/events.ts';
import { boundText, clashingText, conflictText, type Situation } from './explain.ts';

const warning = (reason: string, message: string): EventText => ({ type: 'Warning', reason, message });

/** What is to be told of a service on this node, by the state that it tells of: once, while that state lasts. */
export const serviceEvents = ({ self, announcement, conflicts, bound }: Situation): ReadonlyMap<string, EventText> => {
  const { answered, withoutInterface, owner, reason, clashing } = announcement;
  const events = new Map<string, EventText>();
  if (answered.length > 0) {
    const message = `announcing from node "${self}" with protocol "layer2"`;
    events.set('nodeAssigned', { type: 'Normal', reason: 'nodeAssigned', message });
  }
  for (const ip of withoutInterface) {
    const message = `the interfaces specified by LB IP "${ip}" doesn't exist in assigned node "${self}" with protocol "layer2"`;
    events.set(`announceFailed ${ip}`, warning('announceFailed', message));
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
