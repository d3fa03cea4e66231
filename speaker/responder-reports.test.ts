import { expect, test } from 'vitest';
import type { Ip } from '../src/lib/ip.ts';
import type { Mac } from '../src/lib/mac.ts';
import type { OwnershipReport } from '../src/proto/ownership/machine.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { readReports } from './responder-reports.ts';

const ip = '192.0.2.1' as Ip;
const mac = 1 as Mac;

/** A reader whose callees write down what they are told. */
const rig = () => {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...told: unknown[]): void =>
      void calls.push([name, ...told]);
  const read = readReports({
    speaker: { onInterfaces: note('interfaces'), onOwnership: note('ownership') },
    services: { onConflict: note('conflict'), onGivenUp: note('givenUp'), onBound: note('bound') },
    node: {
      onUnheard: note('unheard'),
      onDuplicateName: note('duplicate'),
      onUnknownKey: note('unknownKey'),
      onBound: note('boundHere'),
    },
    metrics: { count: note('counters') },
    failover: { count: note('counted'), countUnknownKey: note('countedKey') },
    log: { ...silentLog, warn: note('warn') },
  });
  return { read, taken: () => calls.splice(0) };
};

test.each<[OwnershipReport, unknown[]]>([
  [
    { type: 'conflict', key: ip, ip, interface: 2, mac, isDefended: true },
    ['conflict', ip, ip, { mac, isDefended: true }],
  ],
  [{ type: 'conflict', key: ip, ip, interface: 2, mac: undefined, isDefended: true }, ['conflict', ip, ip, undefined]],
  [{ type: 'notOwning', key: ip, why: 'yielded' }, ['givenUp', ip]],
  [{ type: 'unheardMember', node: 'n2', isUnheard: true }, ['unheard', 'n2', true]],
  [{ type: 'duplicateName', node: 'n2', addresses: [ip] }, ['duplicate', 'n2', [ip]]],
])('the elections hear of %j first, then metrics, then who tells people', (report, expected) => {
  const { read, taken } = rig();
  read({ type: 'ownership', reports: [report] });
  expect(taken()).toEqual([['ownership', [report]], ['counted', report], expected]);
});

test('a group that is held back for a conflict is not given up', () => {
  const { read, taken } = rig();
  read({ type: 'ownership', reports: [{ type: 'notOwning', key: ip, why: 'conflict' }] });
  expect(taken().map(([name]) => name)).toEqual(['ownership', 'counted']);
});

test('all else goes where it belongs', () => {
  const { read, taken } = rig();
  read({ type: 'interfaces', names: ['eth0'] });
  read({ type: 'counters', perAddress: [] });
  read({ type: 'unknownKey', from: ip });
  read({ type: 'boundLocally', ip, interface: 'eth0', isBound: true });
  read({ type: 'log', level: 'warn', message: 'm', fields: { a: 1 } });
  expect(taken()).toEqual([
    ['interfaces', ['eth0']],
    ['counters', []],
    ['countedKey'],
    ['unknownKey', ip],
    ['bound', ip, 'eth0', true],
    ['boundHere', ip, 'eth0', true],
    ['warn', 'm', { a: 1 }],
  ]);
});
