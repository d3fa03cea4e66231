import type { Mac } from '../../lib/mac.ts';
import { isHostMac, macAt } from '../ethernet/mac-field.ts';
import type { FrameSighting } from '../ethernet/sighting.ts';
import { NdpOptionType, NdpType } from './iana.ts';
import { ndpOffset as offset } from './packet.ts';
import { isUnspecified, linkLayerAddressAt, ndpFault } from './validate.ts';

/**
 * What a frame of Neighbor Discovery says of its sender: an advertisement claims its target, a solicitation from `::`
 * probes it (RFC 4862 sections 5.4.3 and 5.4.4). Undefined for all else, for faulty frames, and for those of the interface
 * itself, whose hardware address is `mac`.
 */
export const ndpSighting = (frame: DataView, length: number, mac: Mac): FrameSighting | undefined => {
  if (ndpFault(frame, length) !== undefined) return undefined;
  const source = macAt(frame, offset.source);
  if (source === mac || !isHostMac(source)) return undefined;
  if (frame.getUint8(offset.type) === NdpType.neighborSolicitation) {
    return isUnspecified(frame, offset.sourceIp) ? { kind: 'probe', mac: source, addressAt: offset.target } : undefined;
  }
  const toldAt = linkLayerAddressAt(frame, NdpOptionType.targetLinkLayerAddress);
  const told = toldAt === undefined ? source : macAt(frame, toldAt);
  if (told === mac || !isHostMac(told)) return undefined;
  return { kind: 'claim', mac: told, addressAt: offset.target };
};
