/** Operation codes (https://www.iana.org/assignments/arp-parameters). Others are carried as they come. */
export const ArpOperation = { request: 1, reply: 2 } as const;

/** Hardware type of Ethernet. */
export const arpHardwareEthernet = 1;
