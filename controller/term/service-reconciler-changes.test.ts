import { describe, expect, test } from 'vitest';
import type { ServiceView } from '../../src/domain/objects.ts';
import { withStatus } from '../../src/domain/service/desired-status.ts';
import { seconds } from '../../src/lib/time.ts';
import { poolOf } from '../../test/support/builders.ts';
import { allocatedFrom, askSharing, pinned } from '../../test/support/plan-rig.ts';
import { configuration, reconcilerRig } from '../../test/support/reconciler-rig.ts';

const given = (ip: string, from = 'a'): Partial<ServiceView> => ({
  ingress: [{ ip }],
  annotations: { [allocatedFrom]: from },
});
const pool = configuration(poolOf('a', '192.0.2.1-192.0.2.9'));

describe('an address that another controller gave as well', () => {
  const twice = (olderTurnsUp: boolean) => {
    const rig = reconcilerRig();
    const { create, store, server, start, write, told } = rig;
    const older = create('older', { createdAt: '2026-01-01T00:00:00Z', ...(olderTurnsUp ? {} : given('192.0.2.1')) });
    const younger = create('younger', {
      createdAt: '2026-02-01T00:00:00Z',
      loadBalancerIP: undefined,
      ...(olderTurnsUp ? given('192.0.2.1') : {}),
    });
    const reconciler = start(pool);
    write(reconciler);
    told.length = 0;
    const late = server.get(olderTurnsUp ? older.key : younger.key)!;
    reconciler.upsert(store({ ...late, ...given('192.0.2.1') }));
    return { ...rig, reconciler };
  };

  test('goes to the older service when that turns up with it, and both are told', () => {
    const { reconciler, write, told, address, writes } = twice(true);
    write(reconciler);
    expect(['older', 'younger'].map(address)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(told.sort()).toEqual(['older AddressConflict', 'younger ClearAssignment', 'younger IPAllocated']);
    const before = writes();
    reconciler.configure(configuration(poolOf('a', '192.0.2.1-192.0.2.12')));
    write(reconciler);
    expect(writes()).toBe(before);
  });

  test('stays with the older service when a younger one turns up with it, which gets back its own', () => {
    const { reconciler, write, told, address } = twice(false);
    write(reconciler);
    expect(['older', 'younger'].map(address)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(told.sort()).toEqual(['older AddressConflict', 'younger ClearAssignment']);
  });

  test('is left to a service that shows it, by one who was only about to get it', () => {
    const { create, start, write, address, told } = reconcilerRig();
    const reconciler = start(pool);
    reconciler.upsert(create('first', { createdAt: '2020-01-01T00:00:00Z' }));
    reconciler.upsert(create('shows', given('192.0.2.1')));
    write(reconciler);
    expect(['first', 'shows'].map(address)).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(told).toEqual(['first IPAllocated']);
  });
});

test('a restart tells nothing again that the condition says, and writes nothing', () => {
  const { clock, create, start, write, writes, told, condition } = reconcilerRig();
  const small = configuration(poolOf('a', '192.0.2.1/32'), poolOf('b', '192.0.2.8/32', { autoAssign: false }));
  create('outside', given('198.51.100.7', 'gone'));
  create('served', { loadBalancerIP: '192.0.2.1' });
  create('asks', { loadBalancerIP: '192.0.2.1' });
  create('late');
  create('odd', { loadBalancerIP: 'oops' });
  create('headless', { clusterIPs: ['None'] });
  create('partly', {
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ipFamilyPolicy: 'PreferDualStack',
    ...given('192.0.2.8', 'b'),
  });
  const before = start(small);
  write(before);
  expect(['outside', 'served', 'asks', 'late', 'odd', 'headless', 'partly'].map(condition)).toEqual([
    'True AllocatedOutsidePools',
    'True Allocated',
    'False AddressInUse',
    'False AllocationFailed',
    'False InvalidRequest',
    'False NoClusterIP',
    'True AllocatedPartly',
  ]);
  expect([writes(), told.length]).toEqual([7, 7]);
  told.length = 0;
  const after = start(small);
  write(after);
  clock.advance(seconds(60));
  expect([writes(), told]).toEqual([7, []]);
  after.remove('default/served');
  write(after);
  expect(condition('asks')).toBe('True Allocated');
});

test('the figures of a full pool change no condition and tell nothing', () => {
  const { create, start, write, writes, told } = reconcilerRig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.0/31')));
  for (const name of ['one', 'two', 'late']) reconciler.upsert(create(name));
  write(reconciler);
  const before = writes();
  told.length = 0;
  reconciler.upsert(create('outside', given('192.0.2.2')));
  reconciler.configure(configuration(poolOf('a', '192.0.2.0-192.0.2.2')));
  write(reconciler);
  // That of the third service, whose address is in the larger pool.
  expect([writes() - before, told]).toEqual([1, ['outside AddressOutsidePools']]);
});

test('what is ours goes when a service is no LoadBalancer any more, with or without a class', () => {
  for (const lbClass of ['', 'mine']) {
    const { create, server, store, start, write, writes, address, condition } = reconcilerRig({ lbClass });
    const loadBalancerClass = lbClass || undefined;
    const reconciler = start(configuration(poolOf('a', '192.0.2.1/32')));
    for (const name of ['holder', 'failed']) reconciler.upsert(create(name, { loadBalancerClass }));
    write(reconciler);
    expect([address('holder'), condition('failed')]).toEqual(['192.0.2.1', 'False AllocationFailed']);
    // The API server takes the class away with the type, and the addresses.
    const other = { type: 'ClusterIP', loadBalancerClass: undefined, ingress: [] };
    reconciler.upsert(store({ ...server.get('default/holder')!, ...other }));
    write(reconciler);
    expect(server.get('default/holder')).toMatchObject({ annotations: {}, conditions: [], ingress: [] });
    expect(address('failed')).toBe('192.0.2.1');
    store({ ...server.get('default/failed')!, ...other });
    const before = writes();
    write(start(pool));
    expect([server.get('default/failed')?.conditions, writes() - before]).toEqual([[], 1]);
  }
});

describe('--reassign-on-pool-change', () => {
  test.each([
    ['an address that its pool lost', poolOf('a', '192.0.2.8-192.0.2.9')],
    ['a pool that is for others now', poolOf('a', '192.0.2.0/29', pinned(0, ['elsewhere']))],
  ])('%s: the service gets another one at once', (_, edited) => {
    const { create, start, write, told, address } = reconcilerRig({ reassignOnPoolChange: true });
    const reconciler = start(configuration(poolOf('a', '192.0.2.0/29')));
    reconciler.upsert(create('web'));
    write(reconciler);
    told.length = 0;
    reconciler.configure(configuration(edited, poolOf('b', '198.51.100.0/24')));
    write(reconciler);
    expect([address('web'), told]).toEqual([
      edited.serviceAllocation === undefined ? '192.0.2.8' : '198.51.100.0',
      ['web ClearAssignment', 'web IPAllocated'],
    ]);
  });

  test('without a pool the service loses its address, and a restart writes nothing more', () => {
    const { create, start, write, writes, told, address, condition } = reconcilerRig({ reassignOnPoolChange: true });
    const reconciler = start(pool);
    reconciler.upsert(create('web'));
    write(reconciler);
    told.length = 0;
    reconciler.configure(configuration());
    write(reconciler);
    expect([address('web'), condition('web'), told.sort()]).toEqual([
      undefined,
      'False AllocationFailed',
      ['web AllocationFailed', 'web ClearAssignment'],
    ]);
    write(start(configuration()));
    expect(writes()).toBe(2);
  });
});

describe('who waits for a shared address is woken', () => {
  const sharer = (port: number, key = 'k'): Partial<ServiceView> => ({
    ports: [`TCP/${port}`],
    annotations: { [askSharing]: key },
  });
  const full = () => {
    const rig = reconcilerRig();
    const reconciler = rig.start(configuration(poolOf('a', '192.0.2.1/32')));
    reconciler.upsert(rig.create('holder', sharer(80)));
    rig.write(reconciler);
    const put = (name: string, more: Partial<ServiceView>): void => {
      const old = rig.server.get(`default/${name}`);
      const annotations = { ...old?.annotations, ...more.annotations };
      reconciler.upsert(old === undefined ? rig.create(name, more) : rig.store({ ...old, ...more, annotations }));
      rig.write(reconciler);
    };
    return { ...rig, reconciler, put };
  };

  test('when a port on it becomes free', () => {
    const { put, address, planned } = full();
    put('waits', sharer(80));
    put('asks', { ...sharer(80), loadBalancerIP: '192.0.2.1' });
    put('joins', sharer(443));
    expect(['waits', 'asks', 'joins'].map(address)).toEqual([undefined, undefined, '192.0.2.1']);
    planned.length = 0;
    put('joins', sharer(8443));
    expect(planned).not.toContain('waits');
    put('holder', sharer(8080));
    expect(['holder', 'waits', 'asks'].map(address)).toEqual(['192.0.2.1', undefined, '192.0.2.1']);
  });

  test('when its holders take the same key', () => {
    const { put, address } = full();
    put('waits', sharer(443, 'other'));
    expect(address('waits')).toBeUndefined();
    put('holder', sharer(80, 'other'));
    expect(['holder', 'waits'].map(address)).toEqual(['192.0.2.1', '192.0.2.1']);
  });

  test('and told of another holder when only that changes', () => {
    const { put, server, reconciler, write } = full();
    put('asks', { loadBalancerIP: '192.0.2.1' });
    put('joins', sharer(443));
    const message = (): string | undefined => server.get('default/asks')?.conditions[0]?.message;
    expect(message()).toMatch(/in use by default\/holder and others$/);
    server.delete('default/holder');
    reconciler.remove('default/holder');
    write(reconciler);
    expect(message()).toMatch(/in use by default\/joins$/);
  });
});

test('an address that a write on its way may give goes to nobody else before its outcome is known', () => {
  const { create, start, store, address, write, server } = reconcilerRig({ reassignOnPoolChange: true });
  const reconciler = start(configuration(poolOf('a', '192.0.2.1/32')));
  const first = create('first');
  reconciler.upsert(first);
  const sent = reconciler.pendingWrite(first.key)!;
  reconciler.configure(configuration(poolOf('b', '192.0.2.1/32', pinned(0, ['team']))));
  const other = create('other', { key: 'team/other', namespace: 'team' });
  reconciler.upsert(other);
  expect(reconciler.pendingWrite(other.key)?.status.ingress).toEqual([]);
  reconciler.confirm(store(withStatus(first, sent.status)));
  expect(address('first')).toBe('192.0.2.1');
  expect(reconciler.pendingWrite(other.key)?.status.ingress).toEqual([]);
  write(reconciler);
  write(reconciler);
  expect(address('first')).toBeUndefined();
  expect(server.get(other.key)?.ingress).toEqual([{ ip: '192.0.2.1' }]);
});
