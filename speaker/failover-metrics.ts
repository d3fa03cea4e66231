import type { Ip } from '../src/lib/ip.ts';
import { formatMac, type Mac } from '../src/lib/mac.ts';
import type { Metrics } from '../src/observe/metrics.ts';
import type { OwnershipReport } from '../src/proto/ownership/machine.ts';

/** What the speaker counts of owners that come and go. MetalLB has no such metrics. */
export type FailoverMetrics = {
  /** Counts what the responder reports of the ownership of addresses. */
  readonly count: (report: OwnershipReport) => void;
  /** A beacon came that was sealed with an unknown key. */
  readonly countUnknownKey: () => void;
};

/** Time without an answer, in seconds: what is aimed at lies between the third bucket and the sixth. */
const takeoverSeconds = [0.05, 0.1, 0.15, 0.2, 0.25, 0.45, 0.8, 1.5, 3, 10];

/** Conflicts shown at a time; hosts and addresses can be invented. */
const mostConflicts = 256;

/** Makes them; `unheard` gives the number of members whose beacons do not come. */
export const failoverMetrics = (
  { counter, gauge, histogram, reading }: Metrics,
  unheard: () => number,
): FailoverMetrics => {
  const takeovers = counter(
    'metallb_layer2_takeovers_total',
    'Groups of addresses that this node came to own: announced for the first time, after a crash or the end of the ' +
      'owner before it, or by a planned move.',
    ['how'],
  );
  for (const how of ['first', 'crash', 'planned', 'orphaned'] as const) takeovers.inc({ how }, 0);
  const duration = histogram(
    'metallb_layer2_takeover_duration_seconds',
    'Time from the last sign of a crashed owner until this node answered in its place.',
    takeoverSeconds,
  );
  const suspicions = counter(
    'metallb_layer2_suspicions_total',
    'Silent owners that were looked into, by what was found: alive, dead, or on a host that lives (patience).',
    ['outcome'],
  );
  for (const outcome of ['alive', 'dead', 'patience'] as const) suspicions.inc({ outcome }, 0);
  const lost = counter('metallb_layer2_beacons_lost_total', 'Beacons of a node that never came.', ['node']);
  const unknownKey = counter(
    'metallb_layer2_unknown_key_total',
    'Reports of beacons that were sealed with a key we do not have, at most one a minute and address.',
  );
  const conflictGauge = gauge('metallb_layer2_address_conflict', '1 while another host has an address of ours.', [
    'ip',
    'mac',
  ]);
  reading('metallb_layer2_unheard_members', 'Members whose beacons have not come for 10 s.', unheard);
  const conflicts = new Map<Ip, Mac>();

  const noteConflict = (ip: Ip, mac: Mac | undefined): void => {
    const before = conflicts.get(ip);
    if (before === mac) return;
    if (before !== undefined) conflictGauge.remove({ ip, mac: formatMac(before) });
    conflicts.delete(ip);
    if (mac === undefined || conflicts.size >= mostConflicts) return;
    conflicts.set(ip, mac);
    conflictGauge.set({ ip, mac: formatMac(mac) }, 1);
  };

  return {
    count: (report) => {
      switch (report.type) {
        case 'owning':
          takeovers.inc({ how: report.how });
          if (report.took !== undefined) duration.observe(report.took / 1000);
          break;
        case 'suspicion':
          suspicions.inc({ outcome: report.outcome });
          break;
        case 'beaconsLost':
          lost.inc({ node: report.node }, report.count);
          break;
        case 'conflict':
          noteConflict(report.ip, report.mac);
          break;
        default:
      }
    },
    countUnknownKey: () => unknownKey.inc(),
  };
};
