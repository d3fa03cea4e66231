import type { ObjectKey } from '../src/domain/objects.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { Metrics } from '../src/observe/metrics.ts';
import { multiMap } from '../src/lib/multi-map.ts';
import type { ResponderReport } from './responder/messages.ts';

/** What only the speaker tells, under MetalLB's names. */
export type SpeakerMetrics = {
  /** Addresses this node announces, by service. */
  readonly announced: {
    readonly set: (service: ObjectKey, ip: Ip) => void;
    readonly remove: (service: ObjectKey, ip: Ip) => void;
  };
  /** Adds what the responder has counted, of addresses that are announced: the series of the others are gone. */
  readonly count: (perAddress: Extract<ResponderReport, { readonly type: 'counters' }>['perAddress']) => void;
};

/** Makes the speaker's own metrics; `node` is the name of this node, a label of each announced address. */
export const speakerMetrics = ({ counter, gauge }: Metrics, node: string): SpeakerMetrics => {
  const announced = gauge(
    'metallb_speaker_announced',
    'Services being announced from this node. This is desired state, it does not guarantee that the routing protocols have converged.',
    ['service', 'protocol', 'node', 'ip'],
  );
  const requests = counter('metallb_layer2_requests_received', 'Number of layer2 requests received for owned IPs.', [
    'ip',
  ]);
  const responses = counter('metallb_layer2_responses_sent', 'Number of layer2 responses sent for owned IPs.', ['ip']);
  const gratuitous = counter(
    'metallb_layer2_gratuitous_sent',
    'Number of gratuitous layer2 packets sent for owned IPs as a result of failovers.',
    ['ip'],
  );
  /** On whose behalf an address is announced. */
  const claims = multiMap<Ip, ObjectKey>();
  const labels = (service: ObjectKey, ip: Ip) => ({ service, protocol: 'layer2', node, ip });
  return {
    announced: {
      set: (service, ip) => {
        claims.add(ip, service);
        announced.set(labels(service, ip), 1);
      },
      remove: (service, ip) => {
        claims.remove(ip, service);
        announced.remove(labels(service, ip));
        if (!claims.has(ip)) for (const counter of [requests, responses, gratuitous]) counter.remove({ ip });
      },
    },
    count: (perAddress) => {
      for (const { ip, ...counts } of perAddress) {
        if (!claims.has(ip)) continue;
        if (counts.requests > 0) requests.inc({ ip }, counts.requests);
        if (counts.responses > 0) responses.inc({ ip }, counts.responses);
        if (counts.gratuitous > 0) gratuitous.inc({ ip }, counts.gratuitous);
      }
    },
  };
};
