import type { Log } from '../src/lib/log.ts';
import type { OwnershipReport } from '../src/proto/ownership/machine.ts';
import type { FailoverMetrics } from './failover-metrics.ts';
import type { SpeakerMetrics } from './metrics.ts';
import type { ResponderReport } from './responder/messages.ts';
import type { Speaker } from './speaker-ports.ts';
import type { AnnouncementReporter } from './status/announcement-reporter.ts';
import type { NodeReporter } from './status/node-reporter.ts';

export type ReportReaders = {
  readonly speaker: Pick<Speaker, 'onInterfaces' | 'onOwnership'>;
  readonly services: Pick<AnnouncementReporter, 'onConflict' | 'onGivenUp' | 'onBound'>;
  readonly node: Pick<NodeReporter, 'onUnheard' | 'onDuplicateName' | 'onUnknownKey' | 'onBound'>;
  readonly metrics: Pick<SpeakerMetrics, 'count'>;
  readonly failover: FailoverMetrics;
  readonly log: Log;
};

/** Hands what the responder reports to those whom it concerns. */
export const readReports = (readers: ReportReaders): ((report: ResponderReport) => void) => {
  const { speaker, services, node, metrics, failover, log } = readers;

  const tell = (report: OwnershipReport): void => {
    failover.count(report);
    switch (report.type) {
      case 'conflict': {
        const { key, ip, mac, isDefended } = report;
        services.onConflict(key, ip, mac === undefined ? undefined : { mac, isDefended });
        break;
      }
      case 'notOwning':
        // With a conflict the group is still held, and tried again.
        if (report.why !== 'conflict') services.onGivenUp(report.key);
        break;
      case 'unheardMember':
        node.onUnheard(report.node, report.isUnheard);
        break;
      case 'duplicateName':
        node.onDuplicateName(report.node, report.addresses);
        break;
      default:
    }
  };

  return (report) => {
    switch (report.type) {
      case 'interfaces':
        speaker.onInterfaces(report.names);
        break;
      case 'counters':
        metrics.count(report.perAddress);
        break;
      case 'ownership':
        speaker.onOwnership(report.reports);
        for (const each of report.reports) tell(each);
        break;
      case 'unknownKey':
        failover.countUnknownKey();
        node.onUnknownKey(report.from);
        break;
      case 'boundLocally':
        services.onBound(report.ip, report.interface, report.isBound);
        node.onBound(report.ip, report.interface, report.isBound);
        break;
      case 'log':
        log[report.level](report.message, report.fields);
        break;
    }
  };
};
