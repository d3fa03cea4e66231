import { familyOf, type Ip, parseIp } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { annotation, annotationKeys, type ServiceView } from '../objects.ts';
import { quote, quoteList } from './text.ts';

/**
 * The addresses a service asks for, by its annotation or by `spec.loadBalancerIP`; none means any. Two are of
 * different families. Errors are worded as MetalLB words them.
 */
export const requestedAddresses = (
  service: Pick<ServiceView, 'annotations' | 'loadBalancerIP'>,
): Result<readonly Ip[]> => {
  const listed = annotation(service, 'loadBalancerIPs') ?? '';
  const field = service.loadBalancerIP ?? '';
  const [key] = annotationKeys.loadBalancerIPs;
  if (listed !== '' && field !== '') return err(`service can not have both ${key} and svc.Spec.LoadBalancerIP`);
  if (listed !== '') return parseList(listed, `invalid ${key}: ${quote(listed)}`);
  if (field === '') return ok([]);
  const ip = parseIp(field);
  return ip.ok ? ok([ip.value]) : err(`invalid spec.loadBalancerIP ${quote(field)}`);
};

const parseList = (text: string, invalid: string): Result<readonly Ip[]> => {
  const ips: Ip[] = [];
  for (const part of text.split(',')) {
    const ip = parseIp(part.trim());
    if (!ip.ok) return err(invalid);
    ips.push(ip.value);
  }
  if (ips.length > 2) return err(`IPFamilyForAddresses: invalid ips length ${ips.length} ${quoteList(ips)}`);
  const [first, second] = ips;
  return first !== undefined && second !== undefined && familyOf(first) === familyOf(second)
    ? err(`IPFamilyForAddresses: same address family ${quoteList(ips)}`)
    : ok(ips);
};
