import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { allNodesGroup, multicastMac, solicitedNodeGroup, unspecifiedAddress } from './address.ts';
import { NdpOptionType } from './iana.ts';
import { linkLayerOption, type NdpFrame } from './packet.ts';

/** A node's own addresses on an interface. */
export type NdpSender = { readonly mac: Mac; readonly ip: Ip };

/** Tells every host on the link, from the address itself, that it is at `mac` from now on (RFC 4861 section 7.2.6). */
export const unsolicitedAdvertisement = (mac: Mac, target: Ip): NdpFrame => ({
  ...multicast(mac, allNodesGroup),
  sourceIp: target,
  packet: {
    type: 'advertisement',
    target,
    isRouter: false,
    isSolicited: false,
    isOverride: true,
    options: [linkLayerOption(NdpOptionType.targetLinkLayerAddress, mac)],
  },
});

/** Asks, from `::`, whether anybody has an address (duplicate address detection, RFC 4862 section 5.4.2). */
export const ndpProbe = (mac: Mac, target: Ip): NdpFrame => ({
  ...multicast(mac, solicitedNodeGroup(target)),
  sourceIp: unspecifiedAddress,
  packet: { type: 'solicitation', target, options: [] },
});

/** Asks for an address: everybody, or only the host at `destination` (RFC 4861 sections 7.2.2 and 7.3.3). */
export const ndpSolicitation = ({ mac, ip }: NdpSender, target: Ip, destination: Mac | undefined): NdpFrame => ({
  ...(destination === undefined
    ? multicast(mac, solicitedNodeGroup(target))
    : { destination, source: mac, destinationIp: target }),
  sourceIp: ip,
  packet: {
    type: 'solicitation',
    target,
    options: [linkLayerOption(NdpOptionType.sourceLinkLayerAddress, mac)],
  },
});

const multicast = (source: Mac, group: Ip): Pick<NdpFrame, 'source' | 'destination' | 'destinationIp'> => ({
  source,
  destination: multicastMac(group),
  destinationIp: group,
});
