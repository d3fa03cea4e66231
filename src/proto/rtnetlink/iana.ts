/** Message types of netlink itself, and those of rtnetlink that concern links and addresses (linux/netlink.h, linux/rtnetlink.h). */
export const NetlinkMessageType = {
  error: 2,
  done: 3,
  overrun: 4,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
} as const;

/** Flags of netlink (linux/netlink.h): a request, for all objects; an answer during which the objects changed. */
export const NetlinkFlag = { request: 0x1, dumpInterrupted: 0x10, dump: 0x300 } as const;

/** Attributes of a link (linux/if_link.h). */
export const LinkAttribute = {
  address: 1,
  name: 3,
  link: 5,
  master: 10,
  info: 18,
  extensionMask: 29,
  parentNamespace: 37,
  event: 44,
} as const;

/** Attributes within `info`. */
export const LinkInfoAttribute = { kind: 1 } as const;

/** Asks the kernel to leave the statistics of links out of its answer (linux/rtnetlink.h). */
export const skipStatistics = 8;

/** Flags of a link (linux/if.h); `lowerUp`: it has carrier. */
export const LinkFlag = { up: 0x1, broadcast: 0x2, noArp: 0x80, lowerUp: 0x1_0000 } as const;

/** What a link event (IFLA_EVENT) is about (linux/if_link.h). */
export const LinkEventCode = { bondingFailover: 3, notifyPeers: 4 } as const;

/** Attributes of an address (linux/if_addr.h). `address` is the far end's where there is a `local` one. */
export const AddressAttribute = { address: 1, local: 2, flags: 8 } as const;

/** Flags of an address (linux/if_addr.h). */
export const AddressFlag = { optimistic: 0x04, duplicate: 0x08, tentative: 0x40 } as const;

/** How far an address is known (linux/rtnetlink.h). */
export const addressScopeLink = 253;

/** Families of addresses (linux/socket.h). */
export const AddressFamily = { ipv4: 2, ipv6: 10 } as const;

/** Hardware type of Ethernet (linux/if_arp.h). */
export const linkTypeEthernet = 1;

/** Notification groups, as bits of `nl_groups` (linux/rtnetlink.h): changes of links, of addresses of both families. */
export const linkNotifications = 0x1;
export const addressNotifications = 0x110;
