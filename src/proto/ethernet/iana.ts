/** EtherTypes (https://www.iana.org/assignments/ieee-802-numbers). */
export const EtherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, localExperimental: 0x88b5 } as const;

/** Octets of an Ethernet header without a VLAN tag: destination, source, EtherType. */
export const ethernetHeaderLength = 14;
