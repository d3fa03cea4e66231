import type { Log } from '../../src/lib/log.ts';
import type { Member, Report } from '../../src/proto/memberlist/machine.ts';

/** Writes what the protocol reports. */
export const logReport = (log: Log, report: Report): void => {
  const { reason, ...fields } = report;
  switch (reason) {
    case 'suspected':
      return log.info('a member is suspected of having failed', fields);
    case 'failed':
      return log.warn('a member has failed', fields);
    case 'refuted':
      return log.info('others were wrong about this node, and have been told', fields);
    case 'onlyTcp':
      return log.warn('a member answers by TCP, but not by UDP; is something filtered?', fields);
    case 'addressTaken':
      return log.info('the name of a dead member lives at another address now', fields);
    case 'incompatible':
      return log.error('the states of another member were not taken over', fields);
    case 'exchangeFailed':
      return log.warn('states could not be exchanged', fields);
    case 'tooManyMembers':
      return log.error('there are too many members; another one is ignored', fields);
  }
};

const messages = { joined: 'a member has joined', left: 'a member is gone', updated: 'a member has changed' } as const;

/** Writes what has become of a member. */
export const logMember = (log: Log, change: keyof typeof messages, member: Member): void => {
  const { name, address, state, isOurs } = member;
  const write = change === 'updated' ? log.debug : log.info;
  write(messages[change], { name, address, state, isOriginal: !isOurs });
};
