import { expect, test } from 'vitest';
import { requestedAddresses } from './requested-addresses.ts';

const asked = (annotations: Record<string, string>, loadBalancerIP?: string): unknown => {
  const result = requestedAddresses({ annotations, loadBalancerIP });
  return result.ok ? result.value : result.error;
};
const current = 'metallb.io/loadBalancerIPs';
const deprecated = 'metallb.universe.tf/loadBalancerIPs';

test('a service may ask by annotation or by spec.loadBalancerIP', () => {
  expect(asked({})).toEqual([]);
  expect(asked({}, '192.0.2.1')).toEqual(['192.0.2.1']);
  expect(asked({ [current]: ' 192.0.2.1 ,2001:DB8::1' })).toEqual(['192.0.2.1', '2001:db8::1']);
  expect(asked({ [deprecated]: '192.0.2.2' })).toEqual(['192.0.2.2']);
});

test('the current annotation hides the deprecated one even when it is empty', () => {
  expect(asked({ [current]: '192.0.2.1', [deprecated]: '192.0.2.2' })).toEqual(['192.0.2.1']);
  expect(asked({ [current]: '', [deprecated]: '192.0.2.2' })).toEqual([]);
});

test.each([
  [{ [current]: '192.0.2.1' }, '192.0.2.2', `service can not have both ${current} and svc.Spec.LoadBalancerIP`],
  [{ [current]: '192.0.2.1,oops' }, undefined, `invalid ${current}: "192.0.2.1,oops"`],
  [{}, 'oops', 'invalid spec.loadBalancerIP "oops"'],
  [
    { [current]: '192.0.2.1,192.0.2.2' },
    undefined,
    'IPFamilyForAddresses: same address family ["192.0.2.1" "192.0.2.2"]',
  ],
  [
    { [current]: '192.0.2.1,192.0.2.2,192.0.2.3' },
    undefined,
    'IPFamilyForAddresses: invalid ips length 3 ["192.0.2.1" "192.0.2.2" "192.0.2.3"]',
  ],
])('a bad request is refused as MetalLB refuses it: %j %s', (annotations, field, message) =>
  expect(asked(annotations as Record<string, string>, field)).toBe(message),
);
