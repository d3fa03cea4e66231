import { describe, expect, test } from 'vitest';
import { poolOf, serviceView } from '../../../test/support/builders.ts';
import {
  addressesOf,
  allocatedFrom,
  askIps,
  askPool,
  conditionText,
  edit,
  occupy,
  perform,
  planRig,
  pinned,
  serve,
  told,
} from '../../../test/support/plan-rig.ts';
import { parseAddressRange } from '../../lib/address-range.ts';
import type { Pool } from '../config/configuration.ts';
import type { ServiceView } from '../objects.ts';
import { planService, type ServicePlan } from './plan.ts';

const dualPool = (name: string, ipv4: string, ipv6: string, more: Partial<Pool> = {}): Pool => {
  const ranges = [ipv4, ipv6].map(parseAddressRange).flatMap((range) => (range.ok ? [range.value] : []));
  return poolOf(name, ipv4, { ranges, ...more });
};
const v4 = '10.96.0.10';
const v6 = 'fd00::10';
const prefer = (more: Partial<ServiceView> = {}): ServiceView =>
  serviceView({ clusterIPs: [v4, v6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack', ...more });
const requireBoth = (more: Partial<ServiceView> = {}): ServiceView =>
  prefer({ ipFamilyPolicy: 'RequireDualStack', ...more });
const reversed = { clusterIPs: [v6, v4], ipFamilies: ['IPv6', 'IPv4'] };

/** All that is told but that nothing announces IPv6 addresses. */
const heard = (plan: ServicePlan): string[] => told(plan).filter((text) => !text.includes('NotAnnounced'));

describe('of which pool the addresses are', () => {
  const both = dualPool('b', '192.0.2.0/30', '2001:db8::/126');
  const only4 = poolOf('a4', '198.51.100.0/30');
  const only6 = poolOf('a6', '2001:db8:a::/126');
  test.each<[string, ServiceView, readonly Pool[], readonly string[]]>([
    ['both, from the first pool that has both', prefer(), [only4, only6, both], ['192.0.2.0', '2001:db8::']],
    ['both, IPv4 first whatever comes first in the service', prefer(reversed), [both], ['192.0.2.0', '2001:db8::']],
    ['both, as required', requireBoth(), [only4, both], ['192.0.2.0', '2001:db8::']],
    ['one of the primary family, if no pool has both', prefer(), [only4, only6], ['198.51.100.0']],
    ['the primary family is that of the first cluster IP', prefer(reversed), [only4, only6], ['2001:db8:a::']],
    ['one of the other family, if there is no other', prefer(), [only6], ['2001:db8:a::']],
    ['none, if both are required and no pool has both', requireBoth(), [only4, only6], []],
    [
      'one of the primary family for SingleStack',
      prefer({ ...reversed, ipFamilyPolicy: 'SingleStack' }),
      [both],
      ['2001:db8::'],
    ],
    [
      'a pinned pool with one family comes before an unpinned one with both',
      prefer(),
      [both, { ...only4, ...pinned(0) }],
      ['198.51.100.0'],
    ],
    [
      'both that are asked for',
      prefer({ annotations: { [askIps]: '2001:db8::2, 192.0.2.3' } }),
      [both],
      ['192.0.2.3', '2001:db8::2'],
    ],
    ['the pool that is asked for', prefer({ annotations: { [askPool]: 'a4' } }), [both, only4], ['198.51.100.0']],
  ])('%s', (_, view, pools, ips) => {
    const context = planRig(...pools);
    const served = serve(view, context);
    expect(addressesOf(served)).toEqual(ips);
    expect(planService(served, context)).toMatchObject({ events: [], status: { ingress: ips } });
  });
});

test('both addresses are one event and one condition', () => {
  const plan = planService(prefer(), planRig(dualPool('a', '192.0.2.0/30', '2001:db8::/126')));
  expect(heard(plan)).toEqual(['Normal IPAllocated Assigned IP ["192.0.2.0" "2001:db8::"]']);
  expect(conditionText(plan)).toBe('True Allocated IP ["192.0.2.0" "2001:db8::"] from pool "a"');
  expect(plan.outcome).toEqual({ type: 'settled' });
});

describe('why there are not both', () => {
  const pools = [dualPool('a', '192.0.2.0/31', '2001:db8::/127'), poolOf('b', '198.51.100.0/30')];

  test('required: every pool with what it lacks; it waits for what may come', () => {
    const context = planRig(...pools);
    occupy(context, '2001:db8::', '2001:db8::1');
    const plan = planService(requireBoth(), context);
    expect(heard(plan)).toEqual([
      'Warning AllocationFailed Failed to allocate IP for "default/web": no available IPs: ' +
        'pool "a" has not both of an IPv4 and an IPv6 address free (0 of 2 IPv4 in use, 2 of 2 IPv6 in use); ' +
        'pool "b" has no IPv6 addresses',
    ]);
    expect(conditionText(plan)).toBe(
      'False AllocationFailed no available IPs: pool "a" has not both of an IPv4 and an IPv6 address free; ' +
        'pool "b" has no IPv6 addresses',
    );
    expect(plan.outcome).toMatchObject({ waits: [{ type: 'pool', pool: 'a', family: 'IPv6' }] });
  });

  test('preferred: it has one, and is told once why not the other', () => {
    const context = planRig(...pools);
    occupy(context, '2001:db8::', '2001:db8::1');
    const plan = planService(prefer(), context);
    expect(heard(plan)).toEqual([
      'Normal IPAllocated Assigned IP ["192.0.2.0"]',
      'Normal AdditionalAssignFailed cannot assign additional IP in PreferDualStack: ' +
        'no available IPs in pool a: it is full (2 of 2 in use)',
    ]);
    expect(conditionText(plan)).toBe(
      'True AllocatedPartly IP ["192.0.2.0"] from pool "a"; no available IPs in pool a: it is full',
    );
    expect(plan.outcome).toEqual({
      type: 'blocked',
      reason: 'AllocatedPartly',
      waits: [{ type: 'pool', pool: 'a', family: 'IPv6', sharing: undefined }],
    });
    const again = planService(perform(prefer(), plan, context), context);
    expect([again.events, again.standing]).toEqual([[], plan.standing]);
  });

  test.each([
    ['of one family', '192.0.2.0'],
    ['of two pools', '198.51.100.0,2001:db8::'],
  ])('requested addresses %s are refused', (_, list) => {
    const plan = planService(prefer({ annotations: { [askIps]: list } }), planRig(...pools));
    const why = list.includes(',')
      ? '["198.51.100.0" "2001:db8::"] is not allowed in config: they are of pools "b" and "a"'
      : 'requested loadBalancer IP(s) ["192.0.2.0"] does not match the ipFamily of the service (IPv4 and IPv6)';
    expect(heard(plan)).toEqual([`Warning AllocationFailed Failed to allocate IP for "default/web": ${why}`]);
    expect(plan.status?.ingress).toEqual([]);
  });

  test('required, with one cluster IP: nothing is given and nothing is taken', () => {
    const context = planRig(...pools);
    const text = `Service requires dual stack but not enough clusterips [${v4}]`;
    const plan = planService(requireBoth({ clusterIPs: [v4] }), context);
    expect(told(plan)).toEqual([`Warning not enough clusterips ${text}`]);
    expect(conditionText(plan)).toBe(`False NotEnoughClusterIPs ${text}`);
    const had = serve(prefer(), context);
    const later = planService({ ...had, ipFamilyPolicy: 'RequireDualStack', clusterIPs: [v4] }, context);
    expect(later.status?.ingress).toEqual(['192.0.2.0', '2001:db8::']);
    expect(conditionText(later)).toBe(`True NotEnoughClusterIPs IP ["192.0.2.0" "2001:db8::"] from pool "a"; ${text}`);
  });
});

describe('in place', () => {
  const pool = dualPool('a', '192.0.2.0/29', '2001:db8::/125', { autoAssign: false });
  const other = dualPool('b', '198.51.100.0/29', '2001:db8:b::/125');
  const had = (...ips: readonly string[]): Partial<ServiceView> => ({
    ingress: ips.map((ip) => ({ ip })),
    annotations: { [allocatedFrom]: 'a' },
  });
  const all = ['192.0.2.3', '2001:db8::3'];
  test.each<[string, ServiceView, readonly string[], readonly string[]]>([
    [
      'a family is added from the same pool',
      prefer(had('192.0.2.3')),
      ['192.0.2.3', '2001:db8::'],
      ['Normal IPAllocated Assigned additional IP "2001:db8::"'],
    ],
    [
      'also if it is required',
      requireBoth(had('192.0.2.3')),
      ['192.0.2.3', '2001:db8::'],
      ['Normal IPAllocated Assigned additional IP "2001:db8::"'],
    ],
    [
      'the address that was there stays first',
      prefer(had('2001:db8::3')),
      ['2001:db8::3', '192.0.2.0'],
      ['Normal IPAllocated Assigned additional IP "192.0.2.0"'],
    ],
    ['a family is removed', prefer({ ...had(...all), clusterIPs: [v6] }), ['2001:db8::3'], []],
    ['both are kept in their order', prefer(had('2001:db8::3', '192.0.2.3')), ['2001:db8::3', '192.0.2.3'], []],
    [
      'nothing is added without a cluster IP of the family',
      prefer({ ...had('192.0.2.3'), clusterIPs: [v4] }),
      ['192.0.2.3'],
      [],
    ],
    [
      'one of two requested addresses changes',
      prefer({
        ...had(...all),
        annotations: { [allocatedFrom]: 'a', [askIps]: '192.0.2.3,2001:db8::5' },
      }),
      ['192.0.2.3', '2001:db8::5'],
      ['Normal IPAllocated Assigned additional IP "2001:db8::5"'],
    ],
    ['a third address goes', prefer(had(...all, '192.0.2.4')), all, []],
    [
      'one whose pool is asked for is replaced with the other',
      prefer({
        ...had(...all),
        annotations: { [allocatedFrom]: 'a', [askPool]: 'b' },
      }),
      ['198.51.100.0', '2001:db8:b::'],
      ['Normal IPAllocated Assigned IP ["198.51.100.0" "2001:db8:b::"]'],
    ],
  ])('%s', (_, view, ips, texts) => {
    const context = planRig(pool, other);
    const plan = planService(view, context);
    expect([plan.status?.ingress, heard(plan)]).toEqual([ips, texts]);
    const after = perform(view, plan, context);
    expect(planService(after, context)).toMatchObject({ events: [], status: { ingress: ips } });
  });

  test('an address that it asks for is kept when the family of the other one is gone, which is told', () => {
    const annotations = { [allocatedFrom]: 'a', [askIps]: all.join() };
    const view = prefer({ ...had(...all), annotations, clusterIPs: [v4] });
    const context = planRig(pool);
    const plan = planService(view, context);
    const why =
      'requested loadBalancer IP(s) ["192.0.2.3" "2001:db8::3"] does not match the ipFamily of the service (IPv4)';
    expect(heard(plan)).toEqual([`Warning AllocationFailed Failed to allocate IP for "default/web": ${why}`]);
    expect(conditionText(plan)).toBe(`True AllocatedPartly IP ["192.0.2.3"] from pool "a"; ${why}`);
    expect(planService(perform(view, plan, context), context).status).toEqual(plan.status);
  });

  test('an address that its pool has no second family for is kept without a flap', () => {
    const context = planRig(poolOf('a', '192.0.2.0/29'), other);
    for (const view of [prefer(had('192.0.2.3')), requireBoth(had('192.0.2.3'))]) {
      const plan = planService(view, context);
      expect(plan.status?.ingress).toEqual(['192.0.2.3']);
      expect(conditionText(plan)).toBe(
        'True AllocatedPartly IP ["192.0.2.3"] from pool "a"; no available IPs in pool a: it has no IPv6 addresses',
      );
      expect(plan.standing[0]?.reason).toBe(
        view.ipFamilyPolicy === 'PreferDualStack' ? 'AdditionalAssignFailed' : 'AllocationFailed',
      );
    }
  });

  test('the pools that an edit puts between the addresses change nothing', () => {
    const before = planRig(pool);
    const view = serve(prefer(had(...all)), before);
    const after = edit(before, poolOf('a', '192.0.2.0/29'), poolOf('b', '2001:db8::/125'));
    expect(planService(view, after)).toMatchObject({ status: { ingress: all, allocatedFrom: 'a' }, events: [] });
  });
});
