import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Allocator } from '../../src/domain/allocator/allocator.ts';
import type { Configuration, Pool } from '../../src/domain/config/configuration.ts';
import { annotation, type ServiceView } from '../../src/domain/objects.ts';
import { withStatus } from '../../src/domain/service/desired-status.ts';
import { parseAddressRange } from '../../src/lib/address-range.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { configurationOf, poolOf, serviceView } from '../../test/support/builders.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { askIps, askPool, askSharing, everyPool } from '../../test/support/plan-rig.ts';
import { ServiceReconciler } from './service-reconciler.ts';

const dual = (name: string, ipv4: string, ipv6: string, more: Partial<Pool> = {}): Pool => {
  const ranges = [ipv4, ipv6].map(parseAddressRange).flatMap((range) => (range.ok ? [range.value] : []));
  return poolOf(name, ipv4, { ranges, ...more });
};
const team: Pool['serviceAllocation'] = { priority: -1, namespaces: new Set(['team']), serviceSelectors: [] };

/** Small pools that overlap from one to the next, so that addresses change hands, pools and families. */
const configurations: readonly Configuration[] = [
  [dual('a', '192.0.2.1-192.0.2.2', '2001:db8::1-2001:db8::2')],
  [dual('a', '192.0.2.1/32', '2001:db8::1/128'), dual('b', '192.0.2.2-192.0.2.3', '2001:db8::2-2001:db8::3')],
  [poolOf('a', '192.0.2.1-192.0.2.2'), poolOf('c', '2001:db8::1-2001:db8::2')],
  [dual('b', '192.0.2.2-192.0.2.4', '2001:db8::1/128', { autoAssign: false }), poolOf('c', '192.0.2.1/32')],
  [dual('c', '192.0.2.1/32', '2001:db8::1/128', { serviceAllocation: team }), poolOf('d', '192.0.2.4/32')],
  [],
].map((pools) => configurationOf(pools, [everyPool]));

type Spec = Pick<
  ServiceView,
  'type' | 'clusterIPs' | 'ipFamilyPolicy' | 'externalTrafficPolicy' | 'ports' | 'annotations' | 'selector'
>;
type Step =
  | { readonly type: 'put'; readonly name: string; readonly spec: Spec }
  | { readonly type: 'intrude'; readonly name: string; readonly ips: readonly string[] }
  | { readonly type: 'delete'; readonly name: string }
  | { readonly type: 'configure'; readonly variant: number }
  | { readonly type: 'write'; readonly isAnswered: boolean }
  | { readonly type: 'watch' | 'restart' };

const wishes: fc.Arbitrary<ServiceView['annotations']> = fc
  .tuple(
    fc.constantFrom({}, {}, { [askSharing]: 'k' }, { [askSharing]: 'k' }, { [askSharing]: 'other' }),
    fc.constantFrom<ServiceView['annotations']>(
      {},
      {},
      {},
      { [askIps]: '192.0.2.1' },
      { [askIps]: '192.0.2.1,2001:db8::1' },
      { [askIps]: '2001:db8::2' },
      { [askPool]: 'b' },
      { [askPool]: 'a' },
      { [askIps]: 'oops' },
    ),
  )
  .map(([sharing, ask]) => ({ ...sharing, ...ask }));
const spec: fc.Arbitrary<Spec> = fc.record({
  type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
  clusterIPs: fc.constantFrom(
    ['10.96.0.1'],
    ['10.96.0.1'],
    ['fd00::1'],
    ['10.96.0.1', 'fd00::1'],
    ['fd00::1', '10.96.0.1'],
  ),
  ipFamilyPolicy: fc.constantFrom('PreferDualStack', 'PreferDualStack', 'RequireDualStack', 'SingleStack'),
  externalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local'),
  selector: fc.constantFrom('', 'app=web'),
  ports: fc.constantFrom(['TCP/80'], ['TCP/443'], ['UDP/53', 'TCP/53'], ['TCP/80', 'TCP/443']),
  annotations: wishes,
});
const name = fc.constantFrom('1', '2', '3', '4', '5', '6');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('put' as const), name, spec }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('intrude' as const),
      name,
      ips: fc.constantFrom([], ['192.0.2.1'], ['192.0.2.2', '2001:db8::1'], ['203.0.113.9']),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), name }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('configure' as const), variant: fc.nat(configurations.length - 1) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('write' as const), isAnswered: fc.boolean() }) },
  {
    weight: 7,
    arbitrary: fc.record({
      type: fc.constantFrom('watch' as const, 'watch' as const, 'watch' as const, 'restart' as const),
    }),
  },
);

const backendOf = ({ externalTrafficPolicy, selector }: ServiceView): string =>
  externalTrafficPolicy === 'Local' ? selector : '';

/** Whether two services may have one address, as the documentation says. */
const mayShare = (a: ServiceView, b: ServiceView): boolean =>
  (annotation(a, 'allowSharedIp') ?? '') !== '' &&
  annotation(a, 'allowSharedIp') === annotation(b, 'allowSharedIp') &&
  backendOf(a) === backendOf(b) &&
  !a.ports.some((port) => b.ports.includes(port));

const shows = ({ ingress }: ServiceView, ip: string | undefined): boolean => ingress.some((entry) => entry.ip === ip);

/** Plays a history; throws when a rule is broken. */
const play = (steps: readonly Step[], reassignOnPoolChange: boolean): void => {
  const server = new Map<string, ServiceView>();
  const known = new Map<string, ServiceView>();
  const requested = new Set<string>();
  const told: string[] = [];
  /** Services whose status somebody else wrote since all was at rest. */
  const intruded = new Set<string>();
  let current = configurations[0] as Configuration;
  let version = 100;
  let writes = 0;

  const launch = (): ServiceReconciler => {
    requested.clear();
    known.clear();
    for (const [key, view] of server) known.set(key, view);
    const reconciler = new ServiceReconciler(
      {
        clock: fakeClock(),
        requestWrite: (service) => requested.add(service),
        tell: ({ key }, { reason, message }) => {
          if (message.length > 1024) throw new Error(`too long: ${message}`);
          told.push(`${key} ${reason}`);
        },
        onPlanned: () => {},
        onUsageChanged: () => {},
      },
      new Allocator(),
      { lbClass: '', metallbNamespace: 'metallb-system', reassignOnPoolChange },
    );
    reconciler.start(server.values(), current);
    return reconciler;
  };
  const store = (view: ServiceView): ServiceView => {
    const stored = { ...view, resourceVersion: `${++version}` };
    server.set(view.key, stored);
    return stored;
  };
  let reconciler = launch();
  const see = (view: ServiceView): void => {
    known.set(view.key, view);
    reconciler.upsert(view);
  };
  const watch = (): void => {
    for (const key of known.keys()) {
      if (server.has(key)) continue;
      known.delete(key);
      reconciler.remove(key);
    }
    for (const view of server.values()) see(view);
  };
  /** A status that newly gives an address which another service shows is a fault, unless that is not known yet. */
  const expectFree = (before: ServiceView, ingress: readonly Ip[] | undefined): void => {
    for (const ip of ingress ?? []) {
      for (const other of server.values()) {
        if (other.key === before.key || shows(before, ip) || !shows(other, ip)) continue;
        if (known.get(other.key)?.resourceVersion !== other.resourceVersion) continue;
        if (intruded.has(before.key) || intruded.has(other.key)) continue;
        expect(mayShare(before, other), `${before.key} is given ${ip} of ${other.key}`).toBe(true);
      }
    }
  };
  const write = (isAnswered: boolean): void => {
    const limit = writes + 100;
    for (const key of requested) {
      requested.delete(key);
      if (writes > limit) throw new Error(`writes without end, the last of ${key}`);
      const pending = reconciler.pendingWrite(key);
      const before = server.get(key);
      if (pending === undefined || before?.resourceVersion !== pending.service.resourceVersion) continue;
      writes++;
      expectFree(before, pending.status.ingress);
      const stored = store(withStatus(before, pending.status));
      if (isAnswered) {
        known.set(key, stored);
        reconciler.confirm(stored);
      }
    }
  };
  const perform = (step: Step): void => {
    switch (step.type) {
      case 'put': {
        const key = `${step.name < '3' ? 'team' : 'default'}/${step.name}`;
        const old = server.get(key);
        const ours = Object.entries(old?.annotations ?? {}).filter(([key]) => key.endsWith('from-pool'));
        store({
          ...(old ??
            serviceView({
              name: step.name,
              namespace: step.name < '3' ? 'team' : 'default',
              uid: `uid-${version}`,
              createdAt: `2026-01-01T00:00:${String(10 + ((version * 7) % 50))}Z`,
            })),
          ...step.spec,
          annotations: { ...Object.fromEntries(ours), ...step.spec.annotations },
          // As the API server does.
          ingress: step.spec.type === 'LoadBalancer' ? (old?.ingress ?? []) : [],
        });
        return;
      }
      case 'intrude': {
        const view = [...server.values()].find((service) => service.name === step.name);
        if (view?.type !== 'LoadBalancer') return;
        intruded.add(view.key);
        store({ ...view, ingress: step.ips.map((ip) => ({ ip })) });
        return;
      }
      case 'delete':
        for (const [key, view] of server) if (view.name === step.name) server.delete(key);
        return;
      case 'configure':
        current = configurations[step.variant] as Configuration;
        reconciler.configure(current);
        return;
      case 'write':
        return write(step.isAnswered);
      case 'watch':
        return watch();
      case 'restart':
        reconciler = launch();
    }
  };
  const bringToRest = (): void => {
    for (let round = 0; round < 8; round++) {
      watch();
      write(true);
    }
    const before = writes;
    watch();
    write(true);
    expect(writes, 'writes at rest').toBe(before);
  };
  const expectRest = (): void => {
    bringToRest();
    const views = [...server.values()];
    const isGiven = (view: ServiceView): boolean => annotation(view, 'allocatedFromPool') !== undefined;
    for (const a of views) {
      const ours = a.conditions.length + (isGiven(a) ? 1 : 0);
      expect(a.type === 'LoadBalancer' || ours === 0, `${a.key} keeps what is ours`).toBe(true);
      for (const b of views) {
        if (a === b || !isGiven(a) || !isGiven(b)) continue;
        for (const { ip } of a.ingress) {
          if (shows(b, ip)) expect(mayShare(a, b), `${a.key} and ${b.key} have ${ip}`).toBe(true);
        }
      }
    }
    const before = writes;
    told.length = 0;
    reconciler = launch();
    bringToRest();
    expect(writes, `writes after a restart: ${JSON.stringify(told)}`).toBe(before);
    // What nothing announces is no part of the condition, and one whom others serve has none.
    const isConditioned = (key: string | undefined): boolean => server.get(key ?? '')?.conditions.length === 1;
    const repeated = told.filter((text) => !text.includes('NotAnnounced') && isConditioned(text.split(' ')[0]));
    expect(repeated).toEqual([]);
    intruded.clear();
  };
  for (const [index, step] of steps.entries()) {
    perform(step);
    if (index % 15 === 14) expectRest();
  }
  expectRest();
};

test.each([
  ['addresses stay', false],
  ['pool edits reassign', true],
])(
  'whatever happens, services have one address only if they may share it, and a restart at rest changes nothing: %s',
  (_, reassignOnPoolChange) => {
    const runs = Number(process.env['RECONCILER_RUNS'] ?? 300);
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => play(steps, reassignOnPoolChange)),
      { numRuns: runs },
    );
  },
);
