import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { l2Advertisement, poolOf, serviceView } from '../../../test/support/builders.ts';
import {
  addressesOf,
  allocatedFrom,
  askIps,
  askPool,
  conditionText,
  edit,
  everyPool,
  leavesAddresses,
  occupy,
  perform,
  pinned,
  planRig,
  serve,
  told,
} from '../../../test/support/plan-rig.ts';
import type { Pool } from '../config/configuration.ts';
import type { ServiceView } from '../objects.ts';
import { isWritten } from './desired-status.ts';
import { claimOf, planService, type ServicePlan } from './plan.ts';

const failure = (view: ServiceView, context: ReturnType<typeof planRig>): string | undefined =>
  planService(view, context).standing.map(({ message }) => message)[0];

describe('a service without an address', () => {
  test('gets the lowest free one, the annotation and one event', () => {
    const plan = planService(serviceView(), planRig(poolOf('a', '192.0.2.1-192.0.2.9')));
    expect(plan.status).toMatchObject({ ingress: ['192.0.2.1'], allocatedFrom: 'a' });
    expect(plan.allocation).toEqual({ ips: ['192.0.2.1'], pool: 'a' });
    expect(told(plan)).toEqual(['Normal IPAllocated Assigned IP ["192.0.2.1"]']);
  });

  test('gets an IPv6 address if its cluster IP is one', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'), poolOf('b', '2001:db8::/64'));
    expect(planService(serviceView({ clusterIPs: ['fd00::1'] }), context).status?.ingress).toEqual(['2001:db8::']);
  });

  test('is told once per annotation that has the old prefix', () => {
    const view = serviceView({ annotations: { 'metallb.universe.tf/address-pool': 'a' } });
    expect(told(planService(view, planRig(poolOf('a', '192.0.2.1/32'))))).toEqual([
      'Warning deprecatedAnnotation Service uses deprecated annotation metallb.universe.tf/address-pool',
      'Normal IPAllocated Assigned IP ["192.0.2.1"]',
    ]);
  });

  test('is served from pinned pools by priority, then from the others by name', () => {
    const context = planRig(
      poolOf('a', '192.0.2.1/32'),
      poolOf('b', '192.0.2.2/32', pinned(0)),
      poolOf('c', '192.0.2.3/32', pinned(20, ['default'])),
      poolOf('d', '192.0.2.4/32', pinned(10)),
      poolOf('e', '192.0.2.5/32', pinned(1, ['elsewhere'])),
      poolOf('f', '192.0.2.6/32'),
      poolOf('g', '192.0.2.7/32', pinned(-1)),
      poolOf('h', '192.0.2.8/32', pinned(10)),
    );
    const given = ['1', '2', '3', '4', '5', '6', '7'].map(
      (name) => addressesOf(serve(serviceView({ name }), context))[0],
    );
    expect(given).toEqual([7, 4, 8, 3, 2, 1, 6].map((host) => `192.0.2.${host}`));
  });

  test('gets the address or the pool it asks for, though autoAssign is off', () => {
    const context = planRig(poolOf('a', '192.0.2.0/28'), poolOf('b', '192.0.2.16/28', { autoAssign: false }));
    const byIp = serviceView({ name: '1', loadBalancerIP: '192.0.2.20' });
    const byPool = serviceView({ name: '2', annotations: { [askPool]: 'b' } });
    expect(addressesOf(serve(byIp, context))).toEqual(['192.0.2.20']);
    expect(addressesOf(serve(byPool, context))).toEqual(['192.0.2.16']);
  });
});

describe('a service that gets nothing says why', () => {
  test('every pool with its reason', () => {
    const context = planRig(
      poolOf('a', '192.0.2.1-192.0.2.2'),
      poolOf('b', '192.0.2.8/29', pinned(0, ['elsewhere'])),
      poolOf('c', '192.0.2.16/29', { autoAssign: false }),
      poolOf('d', '2001:db8::/64'),
      poolOf('e', '192.0.2.24/29', {
        serviceAllocation: { priority: 0, namespaces: undefined, serviceSelectors: [() => false] },
      }),
    );
    occupy(context, '192.0.2.1', '192.0.2.2');
    const plan = planService(serviceView(), context);
    expect(plan.outcome).toEqual({
      type: 'blocked',
      reason: 'AllocationFailed',
      waits: [{ type: 'pool', pool: 'a', family: 'IPv4' }],
    });
    expect(told(plan)).toEqual([
      'Warning AllocationFailed Failed to allocate IP for "default/web": no available IPs: ' +
        'pool "a" is full (2 of 2 in use); pool "d" has no IPv4 addresses; pool "b" is not for namespace "default"; ' +
        'pool "c" has autoAssign off; pool "e" is not for services with these labels',
    ]);
  });

  test('without a pool it says what to create', () =>
    expect(failure(serviceView(), planRig())).toBe(
      'Failed to allocate IP for "default/web": no available IPs: there is no valid IPAddressPool; create one with ' +
        'free addresses of your network, for example: {apiVersion: metallb.io/v1beta1, kind: IPAddressPool, ' +
        'metadata: {name: default, namespace: metallb-system}, spec: {addresses: [192.168.1.240-192.168.1.250]}}',
    ));

  const context = planRig(
    poolOf('a', '192.0.2.1-192.0.2.2'),
    poolOf('b', '192.0.2.8/31', pinned(0, ['elsewhere'])),
    poolOf('c', '192.0.2.16/31'),
  );
  occupy(context, '192.0.2.1', '192.0.2.2');
  test.each<[string, Partial<ServiceView>]>([
    [
      'can\'t change sharing key for "192.0.2.1", address also in use by other/192.0.2.1',
      { loadBalancerIP: '192.0.2.1' },
    ],
    [
      '["198.51.100.1"] is not allowed in config: the pools are "a" (192.0.2.1-192.0.2.2), ' +
        '"b" (192.0.2.8-192.0.2.9), "c" (192.0.2.16-192.0.2.17)',
      { loadBalancerIP: '198.51.100.1' },
    ],
    ['pool b not compatible for ip assignment: it is not for namespace "default"', { loadBalancerIP: '192.0.2.8' }],
    [
      'requested loadBalancer IP(s) ["2001:db8::1"] does not match the ipFamily of the service (IPv4)',
      { loadBalancerIP: '2001:db8::1' },
    ],
    [
      'requested loadBalancer IP(s) ["192.0.2.16"] is not compatible with requested address pool a: it is of pool "c"',
      { annotations: { [askPool]: 'a', [askIps]: '192.0.2.16' } },
    ],
    ['no available IPs in pool a: it is full (2 of 2 in use)', { annotations: { [askPool]: 'a' } }],
    ['pool b not compatible for ip assignment: it is not for namespace "default"', { annotations: { [askPool]: 'b' } }],
    [
      'unknown pool "x": the pools are "a" (192.0.2.1-192.0.2.2), "b" (192.0.2.8-192.0.2.9), ' +
        '"c" (192.0.2.16-192.0.2.17)',
      { annotations: { [askPool]: 'x' } },
    ],
  ])('%s', (why, asks) =>
    expect(failure(serviceView(asks), context)).toBe(`Failed to allocate IP for "default/web": ${why}`),
  );

  test('within 1,024 octets, whatever the number of pools and the length of what was asked', () => {
    const many = planRig(
      ...Array.from({ length: 300 }, (_, i) =>
        poolOf(`pool-${i}`, `10.0.${i >> 3}.${(i & 7) * 32}/27`, { autoAssign: false }),
      ),
    );
    expect(failure(serviceView(), many)).toMatch(/; and more$/);
    const wishes = [
      {},
      { annotations: { [askPool]: '€'.repeat(9_999) } },
      { annotations: { [askIps]: '€'.repeat(9_999) } },
      { annotations: { [askPool]: '€'.repeat(9_999), [askIps]: '10.0.0.1' } },
      { loadBalancerIP: '203.0.113.1' },
    ];
    for (const wish of wishes) {
      const plan = planService(serviceView(wish), many);
      for (const text of [plan.standing[0]?.message, plan.status?.condition?.message]) {
        expect(Buffer.byteLength(text ?? '')).toBeLessThanOrEqual(1_024);
        expect(text).not.toBe('');
      }
    }
  });

  test('again only when the reasons change, not the counts', () => {
    const small = planRig(poolOf('a', '192.0.2.1/32'));
    occupy(small, '192.0.2.1');
    const before = planService(serviceView(), small).standing[0];
    const large = edit(small, poolOf('a', '192.0.2.0/31'));
    occupy(large, '192.0.2.0');
    const after = planService(serviceView(), large).standing[0];
    expect(after?.message).not.toBe(before?.message);
    expect(after?.signature).toBe(before?.signature);
    const more = edit(large, poolOf('a', '192.0.2.0/31'), poolOf('b', '2001:db8::/64'));
    expect(planService(serviceView(), more).standing[0]?.signature).not.toBe(before?.signature);
  });

  test.each<[string, Partial<ServiceView>]>([
    ['["203.0.113.1"] is not allowed in config: no pool has it', { loadBalancerIP: '203.0.113.1' }],
    ['unknown pool "x"', { annotations: { [askPool]: 'x' } }],
  ])('with a condition that does not change with other pools: %s', (why, asks) => {
    for (const pools of [[], [poolOf('a', '192.0.2.1/32')]]) {
      const plan = planService(serviceView(asks), planRig(...pools));
      expect(conditionText(plan)).toBe(`False AllocationFailed ${why}`);
    }
  });

  test('a bad request leaves the address alone', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'));
    const served = serve(serviceView(), context);
    const plan = planService({ ...served, loadBalancerIP: 'oops' }, context);
    expect(plan.status).toMatchObject({ ingress: ['192.0.2.0'], allocatedFrom: 'a' });
    expect(told(plan)).toEqual([
      'Warning LoadBalancerFailed invalid requested loadbalancer IPs: invalid spec.loadBalancerIP "oops"',
    ]);
  });
});

describe('an address in the status is kept', () => {
  const had = serviceView({ ingress: [{ ip: '192.0.2.7' }], annotations: { [allocatedFrom]: 'a' } });

  test('at a restart, without a word and without a write', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'));
    expect(claimOf(had, context)).toEqual({ ips: ['192.0.2.7'], pool: 'a' });
    const plan = planService(had, context);
    expect(leavesAddresses(had, plan)).toBe(true);
    expect(told(plan)).toEqual([]);
  });

  test('when an edit takes it out of its pool or deletes all pools, and that is told', () => {
    for (const context of [planRig(poolOf('a', '192.0.2.0/30')), planRig()]) {
      const plan = planService(had, context);
      expect(leavesAddresses(had, plan)).toBe(true);
      expect(plan.allocation).toEqual({ ips: ['192.0.2.7'], pool: 'a' });
      expect(told(plan)).toEqual([
        'Warning AddressOutsidePools IP "192.0.2.7" is in no pool any more (it came from pool "a"); the service keeps ' +
          'it until it asks for another address or pool, stops being a LoadBalancer or is deleted',
      ]);
    }
  });

  test('when its pool is no longer for the service, or no longer given automatically', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24', { ...pinned(0, ['elsewhere']), autoAssign: false }));
    expect(leavesAddresses(had, planService(had, context))).toBe(true);
  });

  test('when its range moves to another pool, whose name the annotation takes', () => {
    const plan = planService(had, planRig(poolOf('b', '192.0.2.0/24')));
    expect(plan.status).toMatchObject({ ingress: ['192.0.2.7'], allocatedFrom: 'b' });
    expect(told(plan)).toEqual([]);
  });

  test('when its range moves away from the pool it asked for', () => {
    const asked = { ...had, annotations: { [allocatedFrom]: 'a', [askPool]: 'a' } };
    const plan = planService(asked, planRig(poolOf('a', '198.51.100.0/24'), poolOf('b', '192.0.2.0/24')));
    expect(leavesAddresses(asked, plan)).toBe(true);
  });

  test('until the service asks for another address or another pool', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'), poolOf('b', '198.51.100.0/24'));
    expect(addressesOf(serve({ ...had, loadBalancerIP: '192.0.2.8' }, context))).toEqual(['192.0.2.8']);
    const other = { ...had, annotations: { ...had.annotations, [askPool]: 'b' } };
    expect(addressesOf(serve(other, context))).toEqual(['198.51.100.0']);
    expect(addressesOf(serve({ ...had, loadBalancerIP: '192.0.2.7' }, context))).toEqual(['192.0.2.7']);
  });

  test('until the service stops being a LoadBalancer', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'));
    const served = serve(had, context);
    const plan = planService({ ...served, type: 'ClusterIP' }, context);
    expect(plan).toMatchObject({ allocation: undefined, status: { ingress: [], allocatedFrom: undefined } });
    expect(told(plan)).toEqual([]);
  });

  test('for the older of two services; both are told', () => {
    const context = planRig(poolOf('a', '192.0.2.7-192.0.2.8'));
    const older = serve({ ...had, key: 'default/older', name: 'older' }, context);
    const plan = planService(had, context);
    expect(addressesOf(older)).toEqual(['192.0.2.7']);
    expect(plan.status).toMatchObject({ ingress: ['192.0.2.8'], allocatedFrom: 'a' });
    expect(told(plan)).toEqual([
      'Normal ClearAssignment current IP for "default/web" not allowed by config, will attempt for new IP ' +
        'assignment: can\'t change sharing key for "192.0.2.7", address also in use by default/older',
      'Normal IPAllocated Assigned IP ["192.0.2.8"]',
    ]);
    expect(plan.eventsForOthers).toEqual([
      {
        service: 'default/older',
        event: {
          type: 'Warning',
          reason: 'AddressConflict',
          message: 'the status of service "default/web" had IP "192.0.2.7" as well; "default/older" keeps it',
        },
      },
    ]);
  });
});

describe("somebody else's status", () => {
  const foreign = serviceView({ ingress: [{ ip: '10.0.0.5' }] });

  test('is left alone while no pool would serve the service', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24', { autoAssign: false }));
    const plan = planService(foreign, context);
    expect(plan).toMatchObject({ allocation: undefined, events: [], standing: [] });
    expect(isWritten(foreign, plan.status!)).toBe(true);
    expect(plan.outcome).toMatchObject({ type: 'blocked', reason: 'ServedByOthers' });
  });

  test('is replaced when a pool would, and that is told', () => {
    const plan = planService(foreign, planRig(poolOf('a', '192.0.2.0/24')));
    expect(plan.status).toMatchObject({ ingress: ['192.0.2.0'], allocatedFrom: 'a' });
    expect(told(plan)).toEqual([
      'Normal ClearAssignment current IP for "default/web" not allowed by config, will attempt for new IP ' +
        'assignment: ["10.0.0.5"] is not allowed in config',
      'Normal IPAllocated Assigned IP ["192.0.2.0"]',
    ]);
  });

  test('is not touched on a service of another class', () => {
    const context = planRig(poolOf('a', '192.0.2.0/24'));
    for (const view of [{ ...foreign, loadBalancerClass: 'other' }, serviceView({ loadBalancerClass: 'other' })]) {
      expect(planService(view, context)).toMatchObject({ status: undefined, allocation: undefined, standing: [] });
    }
    const ours = { ...context, lbClass: 'mine' };
    expect(planService(serviceView(), ours).status).toBeUndefined();
    expect(planService(serviceView({ loadBalancerClass: 'mine' }), ours).status?.ingress).toEqual(['192.0.2.0']);
  });
});

test('an address that nothing announces is kept, and its owner hears what to apply', () => {
  const context = planRig(poolOf('a', '192.0.2.0/24', { l2Advertisements: [] }));
  const plan = planService(serve(serviceView(), context), context);
  expect(told(plan)).toEqual([
    'Warning NotAnnounced IP "192.0.2.0" is not announced: no advertisement covers pool "a"; apply one, for example: ' +
      '{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: a, namespace: metallb-system}, ' +
      'spec: {ipAddressPools: [a]}}',
  ]);
});

test('an address whose pool is gone is announced only by an advertisement that names the pool or covers all', () => {
  const had = serviceView({ ingress: [{ ip: '192.0.2.7' }], annotations: { [allocatedFrom]: 'gone' } });
  const reasons = (...poolNames: readonly string[]): string[] => {
    const l2Advertisements = [{ ...everyPool, poolNames: new Set(poolNames) }];
    return planService(had, { ...planRig(), l2Advertisements }).standing.map(({ reason }) => reason);
  };
  expect(reasons('gone', 'other')).toEqual(['AddressOutsidePools']);
  expect(reasons('other')).toEqual(['AddressOutsidePools', 'NotAnnounced']);
});

test('an IPv6 address is announced by the same advertisements', () => {
  const reasons = (l2Advertisements: Pool['l2Advertisements']): string[] => {
    const context = planRig(poolOf('b', '2001:db8::/64', { l2Advertisements }));
    const plan = planService(serve(serviceView({ clusterIPs: ['fd00::1'] }), context), context);
    return plan.standing.map(({ reason }) => reason);
  };
  expect(reasons([l2Advertisement('l2')])).toEqual([]);
  expect(reasons([])).toEqual(['NotAnnounced']);
});

const signatures = (plan: ServicePlan): string[] => plan.standing.map(({ signature }) => signature);

const view = fc.record({
  name: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
  clusterIPs: fc.constantFrom(['10.96.0.1'], ['10.96.0.1'], ['fd00::1'], ['10.96.0.1', 'fd00::1'], []),
  loadBalancerIP: fc.constantFrom(undefined, undefined, '192.0.2.1', '192.0.2.2', '198.51.100.9', 'oops'),
  annotations: fc.constantFrom<Record<string, string>>(
    {},
    {},
    { [askPool]: 'a' },
    { [allocatedFrom]: 'a' },
    { [askPool]: 'x' },
  ),
  ingress: fc.constantFrom([], [{ ip: '192.0.2.1' }], [{ ip: '203.0.113.1' }], [{ hostname: 'elsewhere' }]),
});
const configuration = fc.constantFrom<readonly Pool[]>(
  [poolOf('a', '192.0.2.0/30'), poolOf('b', '2001:db8::/126')],
  [poolOf('a', '192.0.2.2/32')],
  [poolOf('b', '192.0.2.0/30', { autoAssign: false }), poolOf('c', '198.51.100.8/30', { l2Advertisements: [] })],
  [],
);

test('planning again after performing changes nothing and tells nothing new, and no address has two holders', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(configuration, view), { minLength: 1, maxLength: 30 }), (history) => {
      let context = planRig();
      const services = new Map<string, ServiceView>();
      for (const [pools, change] of history) {
        context = edit(context, ...pools);
        // The status is the server's: a user changes all but that.
        const before = services.get(change.name);
        const changed = serviceView({
          ...change,
          ...(before && { ingress: before.ingress, annotations: before.annotations }),
        });
        const plan = planService(changed, context);
        const after = perform(changed, plan, context);
        services.set(change.name, after);
        const again = planService(after, context);
        expect(again).toMatchObject({ outcome: plan.outcome, events: [], eventsForOthers: [] });
        expect(again.allocation).toEqual(plan.allocation);
        expect(signatures(again)).toEqual(signatures(plan));
        expect(again.status === undefined || isWritten(after, again.status)).toBe(true);
      }
      const held = [...services.keys()].flatMap(
        (name) => context.allocations.allocationOf(`default/${name}`)?.ips ?? [],
      );
      expect(new Set(held).size).toBe(held.length);
    }),
    { numRuns: 500 },
  );
});
