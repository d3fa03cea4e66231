import { describe, expect, test } from 'vitest';
import { poolOf, serviceView } from '../../../test/support/builders.ts';
import {
  addressesOf,
  allocatedFrom,
  askIps,
  askSharing,
  conditionText,
  perform,
  planRig,
  serve,
  told,
} from '../../../test/support/plan-rig.ts';
import type { ServiceView } from '../objects.ts';
import { planService } from './plan.ts';

/** A service with the key `k`, on port 80 unless told otherwise. */
const sharer = (name: string, more: Partial<ServiceView> = {}): ServiceView =>
  serviceView({ name, ...more, annotations: { [askSharing]: 'k', ...more.annotations } });

const deprecatedKey = 'metallb.universe.tf/allow-shared-ip';

describe('a second service', () => {
  const local = { externalTrafficPolicy: 'Local', selector: 'app=web' } as const;
  const other = { ports: ['TCP/443'] };
  test.each<[string, Partial<ServiceView>, Partial<ServiceView>, boolean]>([
    ['with the same key and other ports shares', {}, other, true],
    ['with the same port of another protocol shares', {}, { ports: ['UDP/80'] }, true],
    ['with a port in common does not', {}, { ports: ['TCP/443', 'TCP/80'] }, false],
    ['with another key does not', {}, { ...other, annotations: { [askSharing]: 'other' } }, false],
    ['without a key does not', {}, { ...other, annotations: { [askSharing]: '' } }, false],
    ['with the deprecated key shares', {}, { ...other, annotations: { [deprecatedKey]: 'k' } }, true],
    [
      'whose empty key hides the deprecated one does not',
      {},
      {
        ...other,
        annotations: { [askSharing]: '', [deprecatedKey]: 'k' },
      },
      false,
    ],
    ['with other pods shares', {}, { ...other, selector: 'app=db' }, true],
    ['with local traffic to the same pods shares', local, { ...local, ...other }, true],
    ['with local traffic to other pods does not', local, { ...local, ...other, selector: 'app=db' }, false],
    ['with cluster-wide traffic does not join local traffic', local, other, false],
    [
      'with local traffic and no selector is as one with cluster-wide traffic',
      {},
      {
        ...local,
        ...other,
        selector: '',
      },
      true,
    ],
  ])('%s', (_, first, second, shares) => {
    const context = planRig(poolOf('a', '192.0.2.1-192.0.2.9'));
    serve(sharer('1', first), context);
    const view = serviceView({ name: '2', ...second, annotations: { [askSharing]: 'k', ...second.annotations } });
    const annotations =
      second.annotations?.[deprecatedKey] !== undefined && second.annotations[askSharing] === undefined
        ? second.annotations
        : view.annotations;
    expect(addressesOf(serve({ ...view, annotations }, context))).toEqual([shares ? '192.0.2.1' : '192.0.2.2']);
  });
});

test('a service goes to an address that is shared under its key before it takes a free one, also in a later pool', () => {
  const context = planRig(poolOf('a', '192.0.2.1-192.0.2.9'), poolOf('b', '198.51.100.0/24'));
  serve(sharer('1', { loadBalancerIP: '198.51.100.7' }), context);
  const view = serve(sharer('2', { ports: ['TCP/443'] }), context);
  expect([addressesOf(view), view.annotations[allocatedFrom]]).toEqual([['198.51.100.7'], 'b']);
});

describe('a requested address', () => {
  const context = planRig(poolOf('a', '192.0.2.1-192.0.2.9'));
  for (const name of ['b', 'a', 'c'])
    serve(sharer(name, { ports: [`UDP/${name}`], loadBalancerIP: '192.0.2.1' }), context);

  test('that others share under another key is refused with their names', () => {
    const plan = planService(serviceView({ annotations: { [askIps]: '192.0.2.1' } }), context);
    const why = `can't change sharing key for "192.0.2.1", address also in use by default/`;
    expect(told(plan)).toEqual([
      `Warning AllocationFailed Failed to allocate IP for "default/web": ${why}b,default/a,default/c`,
    ]);
    expect(conditionText(plan)).toBe(`False AddressInUse ${why}a and others`);
    expect(plan.outcome).toMatchObject({ waits: [{ type: 'address', ip: '192.0.2.1' }] });
  });

  test('on which a port is taken is refused with that port and whose it is', () => {
    const plan = planService(sharer('web', { ports: ['TCP/80', 'UDP/c'], loadBalancerIP: '192.0.2.1' }), context);
    const why = 'port UDP/c is already in use on "192.0.2.1": it is of service default/c';
    expect(told(plan)).toEqual([`Warning AllocationFailed Failed to allocate IP for "default/web": ${why}`]);
    expect(conditionText(plan)).toBe(`False AddressInUse ${why}`);
    expect(plan.outcome).toMatchObject({ waits: [{ type: 'port', ip: '192.0.2.1', port: 'UDP/c' }] });
  });
});

describe('a service that shares an address', () => {
  const shared = () => {
    const context = planRig(poolOf('a', '192.0.2.1-192.0.2.9'));
    const first = serve(sharer('1'), context);
    return { context, first, second: serve(sharer('2', { ports: ['TCP/443'] }), context) };
  };

  test.each<[string, Partial<ServiceView>]>([
    ['its ports', { ports: ['TCP/443', 'TCP/8443'] }],
    ['its traffic policy', { externalTrafficPolicy: 'Local' }],
    ['its key', { annotations: { [askSharing]: 'other', [allocatedFrom]: 'a' } }],
  ])('goes to another address when %s do not fit any more, and is told', (_, change) => {
    const { context, first } = shared();
    const changed = { ...first, ...change };
    const plan = planService(changed, context);
    expect(plan.status?.ingress).toEqual(['192.0.2.2']);
    expect(told(plan)).toEqual([
      expect.stringMatching(
        /^Normal ClearAssignment current IP for "default\/1" not allowed by config, will attempt for new IP assignment: (port TCP\/443 is already in use on "192.0.2.1": it is of service default\/2|can't change sharing key for "192.0.2.1", address also in use by default\/2)$/,
      ),
      'Normal IPAllocated Assigned IP ["192.0.2.2"]',
    ]);
    expect(plan.eventsForOthers.map(({ service, event }) => [service, event.reason])).toEqual([
      ['default/2', 'AddressConflict'],
    ]);
    const after = perform(changed, plan, context);
    expect(planService(after, context)).toMatchObject({ events: [], eventsForOthers: [], displaces: [] });
  });

  test('keeps it when its new terms fit, and holds it on those', () => {
    const { context, first } = shared();
    const plan = planService({ ...first, ports: ['TCP/8080'] }, context);
    expect(plan.allocation).toEqual({
      ips: ['192.0.2.1'],
      pool: 'a',
      sharing: { key: 'k', backend: '', ports: ['TCP/8080'] },
    });
    expect(told(plan)).toEqual([]);
  });

  test('may change its key when it is alone', () => {
    const { context, first, second } = shared();
    context.allocations.release(second.key);
    const plan = planService({ ...first, annotations: { ...first.annotations, [askSharing]: 'new' } }, context);
    expect([plan.allocation?.ips, told(plan)]).toEqual([['192.0.2.1'], []]);
  });
});

test('a full pool is waited for on the terms of the service, and without figures', () => {
  const context = planRig(poolOf('a', '192.0.2.1/32'));
  serve(sharer('1'), context);
  const plan = planService(sharer('2'), context);
  const sharing = { key: 'k', backend: '', ports: ['TCP/80'] };
  expect(plan.outcome).toMatchObject({ waits: [{ type: 'pool', pool: 'a', family: 'IPv4', sharing }] });
  expect(conditionText(plan)).toBe('False AllocationFailed no available IPs: pool "a" is full');
});
