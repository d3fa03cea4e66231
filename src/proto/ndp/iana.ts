/** ICMPv6 types of Neighbor Discovery (https://www.iana.org/assignments/icmpv6-parameters), as far as they concern us. */
export const NdpType = { neighborSolicitation: 135, neighborAdvertisement: 136 } as const;

/** Options of Neighbor Discovery (RFC 4861 section 4.6); others are passed over. */
export const NdpOptionType = { sourceLinkLayerAddress: 1, targetLinkLayerAddress: 2 } as const;

/** Flags of an advertisement, the first octet after the checksum (RFC 4861 section 4.4). */
export const AdvertisementFlag = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

/** The value of Next Header for ICMPv6 (https://www.iana.org/assignments/protocol-numbers). */
export const nextHeaderIcmpv6 = 58;

/** The Hop Limit of every message: one that has come through a router has less (RFC 4861 section 7.1). */
export const ndpHopLimit = 255;
