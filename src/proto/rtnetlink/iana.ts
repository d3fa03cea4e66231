/** Message types of rtnetlink that concern links, and those of netlink itself (linux/netlink.h, linux/rtnetlink.h). */
export const NetlinkMessageType = { error: 2, done: 3, overrun: 4, newLink: 16, deleteLink: 17, getLink: 18 } as const;

/** Flags of netlink (linux/netlink.h): a request, for all objects; an answer during which the objects changed. */
export const NetlinkFlag = { request: 0x1, dumpInterrupted: 0x10, dump: 0x300 } as const;

/** Attributes of a link (linux/if_link.h). */
export const LinkAttribute = { address: 1, name: 3, master: 10, extensionMask: 29 } as const;

/** Asks the kernel to leave the statistics of links out of its answer (linux/rtnetlink.h). */
export const skipStatistics = 8;

/** Flags of a link (linux/if.h). */
export const LinkFlag = { up: 0x1, broadcast: 0x2, noArp: 0x80 } as const;

/** Hardware type of Ethernet (linux/if_arp.h). */
export const linkTypeEthernet = 1;

/** The notification group for changes of links, as a bit of `nl_groups` (linux/rtnetlink.h). */
export const linkNotifications = 1;
