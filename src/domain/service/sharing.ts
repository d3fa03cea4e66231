import type { Ip } from '../../lib/ip.ts';
import { circleOf, type Sharing, type SharingRefusal } from '../allocator/sharing.ts';
import { annotation, type ServiceView } from '../objects.ts';
import { joinBounded, quote } from './text.ts';

/** On what terms a service shares its addresses; undefined: with nobody. */
export const sharingOf = (service: ServiceView): Sharing | undefined => {
  const key = annotation(service, 'allowSharedIp') ?? '';
  if (key === '') return undefined;
  return { key, backend: service.externalTrafficPolicy === 'Local' ? service.selector : '', ports: service.ports };
};

/** Whether two services may have one address on those terms. */
export const mayShare = (a: Sharing | undefined, b: Sharing | undefined): boolean => {
  const circle = circleOf(a);
  return circle !== undefined && circle === circleOf(b) && a?.ports.some((port) => b?.ports.includes(port)) === false;
};

/** MetalLB's words for an address that a service may not have because of others, with all of them. */
export const describeRefusal = (ip: Ip, refusal: SharingRefusal): string =>
  refusal.type === 'key' ? keyRefused(ip, joinBounded(refusal.holders, ',')) : portRefused(ip, refusal);

/** The same with one service of those that hold the address, always the same one while it does. */
export const summarizeRefusal = (ip: Ip, refusal: SharingRefusal): string => {
  if (refusal.type === 'port') return portRefused(ip, refusal);
  const first = refusal.holders.reduce((least, holder) => (holder < least ? holder : least));
  return keyRefused(ip, refusal.holders.length === 1 ? first : `${first} and others`);
};

const keyRefused = (ip: Ip, holders: string): string =>
  `can't change sharing key for ${quote(ip)}, address also in use by ${holders}`;

const portRefused = (ip: Ip, { port, holder }: Extract<SharingRefusal, { type: 'port' }>): string =>
  `port ${port} is already in use on ${quote(ip)}: it is of service ${holder}`;
