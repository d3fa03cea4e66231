import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Configuration } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { seconds } from '../../src/lib/time.ts';
import { configurationOf, poolOf } from '../../test/support/builders.ts';
import { configuration, reconcilerRig as rig } from '../../test/support/reconciler-rig.ts';

test('a service gets its address, one write and one event', () => {
  const { create, start, write, writes, told, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.9')));
  reconciler.upsert(create('web'));
  expect(told).toEqual([]);
  write(reconciler);
  write(reconciler);
  expect([address('web'), writes(), told]).toEqual(['192.0.2.1', 1, ['web IPAllocated']]);
});

test('a watch event older than our own write causes no second write and no other address', () => {
  const { create, server, start, store, write, writes, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.9')));
  const first = create('web');
  reconciler.upsert(first);
  write(reconciler);
  reconciler.upsert({ ...first, resourceVersion: '99' });
  expect(reconciler.pendingWrite('default/web')).toBeUndefined();
  reconciler.upsert(store({ ...server.get('default/web')!, labels: { edited: 'yes' } }));
  write(reconciler);
  expect([address('web'), writes()]).toEqual(['192.0.2.1', 1]);
});

test('a write whose answer was lost is confirmed by the watch', () => {
  const { create, server, start, write, writes, told } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.9')));
  reconciler.upsert(create('web'));
  write(reconciler, false);
  reconciler.upsert(server.get('default/web')!);
  write(reconciler);
  expect([writes(), told]).toEqual([1, ['web IPAllocated']]);
});

test('the answer to a write revives no deleted service', () => {
  const { create, server, start, write } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1/32')));
  reconciler.upsert(create('web'));
  write(reconciler, false);
  reconciler.remove('default/web');
  reconciler.confirm(server.get('default/web')!);
  expect(reconciler.size).toBe(0);
});

test('a restart with addresses in every status writes nothing and tells nothing', () => {
  const { clock, create, start, write, writes, told } = rig();
  const pools = configuration(poolOf('a', '10.0.0.0/16'));
  const before = start(pools);
  for (let i = 0; i < 200; i++) before.upsert(create(`s${i}`));
  write(before);
  told.length = 0;
  const after = start(pools);
  write(after);
  clock.advance(seconds(60));
  expect([writes(), told]).toEqual([200, []]);
});

test('a restart does not tell again that nothing announces an address', () => {
  const { clock, create, start, write, told } = rig();
  const unannounced = { l2Advertisements: [] };
  const pools = configurationOf([poolOf('a', '10.0.0.0/16', unannounced), poolOf('b', 'fd00::/112', unannounced)]);
  const before = start(pools);
  before.upsert(create('web'));
  before.upsert(create('six', { clusterIPs: ['fd00:10::1'], ipFamilies: ['IPv6'] }));
  write(before);
  clock.advance(seconds(60));
  expect(told.filter((line) => line.endsWith('NotAnnounced'))).toHaveLength(2);
  told.length = 0;
  write(start(pools));
  clock.advance(seconds(60));
  expect(told).toEqual([]);
});

test('of two services with one address the older keeps it, whatever the order of the list', () => {
  const { create, server, start, write, told, address } = rig();
  const had = { ingress: [{ ip: '192.0.2.1' }], annotations: { 'metallb.io/ip-allocated-from-pool': 'a' } };
  create('younger', { ...had, createdAt: '2026-01-02T00:00:00Z' });
  create('pending', { createdAt: '2020-01-01T00:00:00Z' });
  create('older', { ...had, createdAt: '2026-01-01T00:00:00Z' });
  expect([...server.keys()]).toEqual(['default/younger', 'default/pending', 'default/older']);
  write(start(configuration(poolOf('a', '192.0.2.1-192.0.2.9'))));
  expect(['older', 'younger', 'pending'].map(address)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  expect(told.sort()).toEqual([
    'older AddressConflict',
    'pending IPAllocated',
    'younger ClearAssignment',
    'younger IPAllocated',
  ]);
});

test('a freed address wakes the first of those that wait for it, and nobody else', () => {
  const { create, start, write, planned, address } = rig();
  const reconciler = start(
    configuration(poolOf('a', '192.0.2.1/32'), poolOf('b', '192.0.2.2/32', { autoAssign: false })),
  );
  for (const name of ['holder', 'first', 'second']) reconciler.upsert(create(name));
  reconciler.upsert(create('elsewhere', { annotations: { 'metallb.io/address-pool': 'none' } }));
  write(reconciler);
  planned.length = 0;
  reconciler.remove('default/holder');
  expect(planned).toEqual(['first']);
  write(reconciler);
  expect(['first', 'second'].map(address)).toEqual(['192.0.2.1', undefined]);
});

test('an address that a service gives up is free when its status no longer shows it', () => {
  const { create, store, start, write, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.2')));
  const holder = create('holder');
  reconciler.upsert(holder);
  write(reconciler);
  reconciler.upsert(create('waiting', { loadBalancerIP: '192.0.2.1' }));
  const ingress = [{ ip: '192.0.2.1' }];
  const annotations = { 'metallb.io/ip-allocated-from-pool': 'a' };
  reconciler.upsert(store({ ...holder, ingress, annotations, loadBalancerIP: '192.0.2.2' }));
  expect(reconciler.pendingWrite('default/waiting')?.status.ingress).toEqual([]);
  write(reconciler);
  expect(['holder', 'waiting'].map(address)).toEqual(['192.0.2.2', '192.0.2.1']);
});

test('a wish that is taken back before it was written leaves the service its address', () => {
  const { create, server, start, store, write, writes, told, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.9')));
  const ask = (loadBalancerIP: string | undefined): void =>
    reconciler.upsert(store({ ...server.get('default/web')!, loadBalancerIP }));
  create('web');
  ask('192.0.2.4');
  write(reconciler);
  for (const wish of ['192.0.2.5', '203.0.113.1']) {
    ask(wish);
    expect(reconciler.pendingWrite('default/web')?.status.ingress).not.toEqual(['192.0.2.4']);
    ask(undefined);
    write(reconciler);
  }
  expect([address('web'), writes(), told]).toEqual(['192.0.2.4', 1, ['web IPAllocated', 'web AllocationFailed']]);
  reconciler.upsert(create('other', { loadBalancerIP: '192.0.2.5' }));
  write(reconciler);
  expect(address('other')).toBe('192.0.2.5');
});

test('who asks for the pool that its status names keeps the address, though another pool is about to be noted', () => {
  const { create, server, start, store, write, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1/32')));
  reconciler.upsert(create('web'));
  write(reconciler);
  reconciler.configure(configuration(poolOf('b', '192.0.2.1/32')));
  const web = server.get('default/web')!;
  expect(reconciler.pendingWrite('default/web')?.status.allocatedFrom).toBe('b');
  reconciler.upsert(store({ ...web, annotations: { ...web.annotations, 'metallb.io/address-pool': 'a' } }));
  write(reconciler);
  expect(address('web')).toBe('192.0.2.1');
});

test('who asked for that very address comes before those that take any', () => {
  const { create, start, write, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1/32')));
  for (const name of ['holder', 'any']) reconciler.upsert(create(name));
  reconciler.upsert(create('this', { loadBalancerIP: '192.0.2.1' }));
  reconciler.remove('default/holder');
  write(reconciler);
  expect(['any', 'this'].map(address)).toEqual([undefined, '192.0.2.1']);
});

test('an advertisement plans again the services of its pools, and no pending one', () => {
  const { create, start, planned } = rig();
  const [a, b] = [poolOf('a', '192.0.2.1/32'), poolOf('b', '2001:db8::/64')];
  const reconciler = start(configuration(a, b));
  for (const name of ['one', 'pending']) reconciler.upsert(create(name));
  reconciler.upsert(create('six', { clusterIPs: ['fd00::1'] }));
  planned.length = 0;
  reconciler.configure(configuration({ ...a, l2Advertisements: [] }, b));
  expect(planned).toEqual(['one']);
  planned.length = 0;
  reconciler.configure(configuration({ ...a, l2Advertisements: [] }, b));
  expect(planned).toEqual([]);
});

test('the want of an advertisement is told after a while, once, and again after one was there', () => {
  const { clock, create, start, write, told } = rig();
  const covered = poolOf('a', '192.0.2.0/24');
  const bare = { ...covered, l2Advertisements: [] };
  const reconciler = start(configuration(bare));
  reconciler.upsert(create('web'));
  write(reconciler);
  expect(told.splice(0)).toEqual(['web IPAllocated']);
  clock.advance(seconds(5));
  reconciler.configure(configuration({ ...bare, autoAssign: false }));
  clock.advance(seconds(5));
  expect(told.splice(0)).toEqual(['web NotAnnounced']);
  reconciler.configure(configuration(covered));
  reconciler.configure(configuration(bare));
  reconciler.configure(configuration(covered));
  clock.advance(seconds(5));
  expect(told.splice(0)).toEqual([]);
  reconciler.configure(configuration(bare));
  clock.advance(seconds(5));
  expect(told.splice(0)).toEqual(['web NotAnnounced']);
});

test('a pool edit that takes an address away is told once, and writes a condition once', () => {
  const { create, start, write, writes, told } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1-192.0.2.9')));
  reconciler.upsert(create('web'));
  write(reconciler);
  told.length = 0;
  reconciler.configure(configuration(poolOf('a', '192.0.2.8-192.0.2.9')));
  reconciler.configure(configuration());
  write(reconciler);
  expect([writes(), told]).toEqual([2, ['web AddressOutsidePools']]);
});

test('a status that is being cleared claims nothing, though the object still shows it', () => {
  const { create, store, start, write, told, address } = rig();
  const reconciler = start(configuration(poolOf('a', '192.0.2.1/32'), poolOf('b', '2001:db8::/64')));
  reconciler.upsert(create('web'));
  write(reconciler);
  reconciler.upsert(create('next'));
  const web = reconciler.upsert.bind(reconciler);
  const current = (more: Partial<ServiceView>): ServiceView =>
    store({ ...create('web'), uid: 'same', ingress: [{ ip: '192.0.2.1' }], ...more });
  told.length = 0;
  const annotations = { 'metallb.io/ip-allocated-from-pool': 'a', 'metallb.io/address-pool': 'b' };
  web(current({ annotations }));
  web(current({ annotations, labels: { edited: 'again' } }));
  write(reconciler);
  expect(told).toEqual(['web AllocationFailed', 'next IPAllocated']);
  expect(['web', 'next'].map(address)).toEqual([undefined, '192.0.2.1']);
});

test('an address outside all pools is announced as its old pool is, and its owner hears when that ends', () => {
  const { clock, create, start, told } = rig();
  const shrunk = poolOf('a', '198.51.100.1/32');
  const annotations = { 'metallb.io/ip-allocated-from-pool': 'a' };
  create('web', { ingress: [{ ip: '192.0.2.1' }], annotations });
  const reconciler = start(configuration(shrunk));
  reconciler.configure(configuration({ ...shrunk, l2Advertisements: [] }));
  clock.advance(seconds(5));
  expect(told).toEqual(['web AddressOutsidePools', 'web NotAnnounced']);
});

type Step =
  | { readonly type: 'create' | 'delete' | 'change'; readonly name: string; readonly asks: string | undefined }
  | { readonly type: 'pools'; readonly size: number }
  | { readonly type: 'write'; readonly answer: boolean }
  | { readonly type: 'watch' | 'restart' };
const name = fc.constantFrom('1', '2', '3', '4', '5', '6', '7');
const asks = fc.constantFrom(undefined, undefined, undefined, '192.0.2.2');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constantFrom('create' as const, 'create' as const, 'delete' as const, 'change' as const),
    name,
    asks,
  }),
  fc.record({ type: fc.constant('pools' as const), size: fc.nat(5) }),
  fc.record({ type: fc.constant('write' as const), answer: fc.boolean() }),
  fc.record({ type: fc.constantFrom('watch' as const, 'watch' as const, 'restart' as const) }),
);

test('whatever happens, no two services ever show one address, and it ends with nobody waiting beside a free address, and no writes', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      const { create, server, start, store, write, writes } = rig();
      const pools = (size: number): Configuration =>
        size === 0 ? configuration() : configuration(poolOf('a', `192.0.2.1-192.0.2.${size}`));
      let current = pools(3);
      let reconciler = start(current);
      const seen = new Set<string>();
      const watch = (): void => {
        for (const key of seen) if (!server.has(key)) reconciler.remove(key);
        for (const view of server.values()) reconciler.upsert(view);
        for (const key of server.keys()) seen.add(key);
      };
      let mostShared = 0;
      const shared = (): number => {
        const shown = [...server.values()].flatMap(({ ingress }) => ingress.map(({ ip }) => ip));
        return shown.length - new Set(shown).size;
      };
      for (const step of steps) {
        switch (step.type) {
          case 'create':
            if (!server.has(`default/${step.name}`)) create(step.name, { loadBalancerIP: step.asks });
            break;
          case 'delete':
            server.delete(`default/${step.name}`);
            break;
          case 'change': {
            const view = server.get(`default/${step.name}`);
            const type = view?.type === 'LoadBalancer' ? 'ClusterIP' : 'LoadBalancer';
            // As the API server does: a service that is no LoadBalancer has no ingress.
            const ingress = type === 'LoadBalancer' ? view?.ingress : [];
            if (view !== undefined) store({ ...view, type, loadBalancerIP: step.asks, ingress: ingress ?? [] });
            break;
          }
          case 'pools':
            current = pools(step.size);
            reconciler.configure(current);
            break;
          case 'write':
            write(reconciler, step.answer);
            break;
          case 'watch':
            watch();
            break;
          case 'restart':
            reconciler = start(current);
            for (const key of server.keys()) seen.add(key);
        }
        mostShared = Math.max(mostShared, shared());
      }
      expect(mostShared).toBe(0);
      for (let i = 0; i < 4; i++) {
        watch();
        write(reconciler);
      }
      const before = writes();
      watch();
      write(reconciler);
      write(start(current));
      expect(writes()).toBe(before);
      const services = [...server.values()];
      const addresses = services.flatMap(({ ingress }) => ingress.map(({ ip }) => ip));
      expect(shared()).toBe(0);
      const free = [1, 2, 3, 4, 5].filter(
        (i) => i <= Number(current.pools[0]?.ranges[0]?.last ?? 0n) - 0xc0000200 && !addresses.includes(`192.0.2.${i}`),
      );
      const waiting = services.filter(
        ({ type, ingress, loadBalancerIP }) =>
          type === 'LoadBalancer' && ingress.length === 0 && loadBalancerIP === undefined,
      );
      expect(Math.min(free.length, waiting.length)).toBe(0);
      for (const { type, ingress } of services) expect(type === 'LoadBalancer' || ingress.length === 0).toBe(true);
    }),
    { numRuns: 400 },
  );
});
