import { expect, test } from 'vitest';
import type { ServiceAnnouncement } from '../../src/domain/layer2/announcement.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { serviceView } from '../../test/support/builders.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { createAnnouncementReporter } from './announcement-reporter.ts';

const ip = '192.0.2.1' as Ip;
const other = '192.0.2.2' as Ip;
const mac = 0x02_00_00_00_00_99 as Mac;
const web = 'default/web';

const known = (more: Partial<ServiceAnnouncement> = {}): ServiceAnnouncement => ({
  key: ip,
  owner: undefined,
  answered: [],
  withoutInterface: [],
  silent: [],
  reason: undefined,
  clashing: [],
  nodes: new Map(),
  ...more,
});
const answering = known({ owner: 'n1', answered: [{ ip, interfaces: undefined }] });
const nobody = known({ reason: 'noEndpoint' });

/** A reporter on node n1; what it says and tells is written down in order. */
const rig = (members: readonly string[] = ['n2', 'n1']) => {
  const clock = fakeClock();
  const log: string[] = [];
  const announcedSeries = new Set<string>();
  let isSaid = false;
  const reporter = createAnnouncementReporter({
    self: 'n1',
    clock,
    serviceOf: (key) => serviceView({ name: key.split('/')[1] ?? '' }),
    writer: {
      set: (service, wish) =>
        log.push(`${service}: ${wish === undefined ? 'nothing' : `${wish.status} ${wish.reason}`}`),
      saysAnnounced: () => isSaid,
    },
    tell: ({ key }, { type, reason }) => log.push(`${key} event ${type} ${reason}`),
    announced: {
      set: (service, address) => announcedSeries.add(`${service} ${address}`),
      remove: (service, address) => announcedSeries.delete(`${service} ${address}`),
    },
  });
  reporter.onMembers(members);
  return {
    ...reporter,
    clock,
    announcedSeries,
    taken: () => log.splice(0),
    sayBefore: () => (isSaid = true),
  };
};

test('who comes to answer says so and tells so once, and who ceases says nothing more', () => {
  const { onAnnouncement, taken, announcedSeries } = rig();
  onAnnouncement(web, answering);
  expect(taken()).toEqual([`${web}: True Announced`, `${web} event Normal nodeAssigned`]);
  expect([...announcedSeries]).toEqual([`${web} ${ip}`]);
  onAnnouncement(web, { ...answering, silent: [{ ip: other, reason: 'ipNotAllowed' }] });
  expect(taken()).toEqual([`${web}: True AnnouncedPartly`]);
  onAnnouncement(web, known({ owner: 'n2' }));
  expect(taken()).toEqual([`${web}: nothing`]);
  expect(announcedSeries.size).toBe(0);
  onAnnouncement(web, answering);
  expect(taken()).toEqual([`${web}: True Announced`, `${web} event Normal nodeAssigned`]);
});

test('after a restart the assignment is not told again', () => {
  const { onAnnouncement, taken, sayBefore } = rig();
  sayBefore();
  onAnnouncement(web, answering);
  expect(taken()).toEqual([`${web}: True Announced`]);
});

test('that nobody announces a service is said after five seconds, by the first node by name', () => {
  const { onAnnouncement, taken, clock } = rig(['n2', 'n1']);
  onAnnouncement(web, nobody);
  clock.advance(millis(4999));
  expect(taken()).toEqual([]);
  onAnnouncement(web, known({ reason: 'noCandidate' }));
  clock.advance(millis(1));
  expect(taken()).toEqual([`${web}: False NoCandidate`]);
  onAnnouncement(web, nobody);
  expect(taken()).toEqual([`${web}: False NoEndpoint`]);
  onAnnouncement(web, known({ owner: 'n2' }));
  onAnnouncement(web, nobody);
  expect(taken()).toEqual([`${web}: nothing`]);
});

test('the others leave it to the first, until they are the first', () => {
  const { onAnnouncement, onMembers, taken, clock } = rig(['n0', 'n1']);
  onAnnouncement(web, nobody);
  clock.advance(seconds(60));
  expect(taken()).toEqual([`${web}: nothing`]);
  onMembers(['n1', 'n2']);
  clock.advance(seconds(5));
  expect(taken()).toEqual([`${web}: False NoEndpoint`]);
  onMembers(['n0', 'n1', 'n2']);
  expect(taken()).toEqual([`${web}: nothing`]);
});

test('what an owner said stands until it has lasted that there is none', () => {
  const { onAnnouncement, taken, clock } = rig();
  onAnnouncement(web, answering);
  taken();
  onAnnouncement(web, nobody);
  expect(taken()).toEqual([]);
  clock.advance(seconds(5));
  expect(taken()).toEqual([`${web}: False NoEndpoint`]);
});

test('a foreign host is told to every service of the group at once, and its end is said', () => {
  const { onAnnouncement, onConflict, taken } = rig();
  const mail = 'default/mail';
  for (const service of [web, mail]) onAnnouncement(service, known({ owner: 'n1' }));
  taken();
  onConflict(ip, ip, { mac, isDefended: false });
  const told = (service: string) => [`${service}: False AddressConflict`, `${service} event Warning AddressConflict`];
  expect(taken()).toEqual([...told(web), ...told(mail)]);
  onConflict(ip, ip, { mac, isDefended: false });
  expect(taken()).toEqual([`${web}: False AddressConflict`, `${mail}: False AddressConflict`]);
  onConflict(ip, ip, undefined);
  expect(taken()).toEqual([`${web}: nothing`, `${mail}: nothing`]);
  onAnnouncement(web, answering);
  taken();
  onConflict(ip, ip, { mac, isDefended: true });
  expect(taken().slice(0, 2)).toEqual([`${web}: True AddressConflict`, `${web} event Warning AddressConflict`]);
});

test('a group that is given up takes along what was known of foreign hosts', () => {
  const { onAnnouncement, onConflict, onGivenUp, taken } = rig();
  onAnnouncement(web, answering);
  onConflict(ip, ip, { mac, isDefended: true });
  taken();
  onGivenUp(ip);
  expect(taken()).toEqual([`${web}: True Announced`]);
  onGivenUp(ip);
  expect(taken()).toEqual([]);
});

test('an address that the kernel answers for, too, is told while it is so', () => {
  const { onAnnouncement, onBound, taken } = rig();
  onBound(ip, 'eth0', true);
  expect(taken()).toEqual([]);
  onAnnouncement(web, answering);
  expect(taken()).toEqual([
    `${web}: True BoundLocally`,
    `${web} event Normal nodeAssigned`,
    `${web} event Warning BoundLocally`,
  ]);
  onBound(ip, 'eth0', false);
  expect(taken()).toEqual([`${web}: True Announced`]);
});

test('interfaces that are missing, and services that have no node in common, are told', () => {
  const { onAnnouncement, taken, clock } = rig();
  onAnnouncement(web, known({ owner: 'n1', withoutInterface: [ip] }));
  expect(taken()).toEqual([`${web}: False NoInterface`, `${web} event Warning announceFailed`]);
  onAnnouncement(web, known({ reason: 'clashingEndpoints', clashing: [web, 'default/mail'] }));
  expect(taken()).toEqual([]);
  clock.advance(seconds(5));
  expect(taken()).toEqual([`${web}: False ClashingEndpoints`, `${web} event Warning ClashingEndpoints`]);
  const nodes = new Map([
    ['n1', 'notSelected'],
    ['n2', 'noInterface'],
  ] as const);
  onAnnouncement(web, known({ reason: 'noCandidate', nodes }));
  expect(taken()).toEqual([`${web}: False NoCandidate`, `${web} event Warning announceFailed`]);
});

test('a service that is gone is not spoken of any more', () => {
  const { onAnnouncement, taken, clock } = rig();
  onAnnouncement(web, nobody);
  onAnnouncement(web, undefined);
  expect(taken()).toEqual([`${web}: nothing`]);
  clock.advance(seconds(60));
  expect(taken()).toEqual([]);
  expect(clock.pending()).toBe(0);
});
