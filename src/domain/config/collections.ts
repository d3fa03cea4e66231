/** The collections of custom resources that a configuration is made of, and the kind of the objects in each. */
export const kindOf = {
  pools: 'IPAddressPool',
  l2Advertisements: 'L2Advertisement',
  bgpAdvertisements: 'BGPAdvertisement',
  bgpPeers: 'BGPPeer',
  bfdProfiles: 'BFDProfile',
  communities: 'Community',
} as const;

export type Collection = keyof typeof kindOf;

/** The kinds of custom resource that a configuration is made of. */
export type ConfigurationKind = (typeof kindOf)[Collection];

export const collections = Object.keys(kindOf) as readonly Collection[];

/** The collection of each kind. */
export const collectionOf = Object.fromEntries(
  collections.map((collection) => [kindOf[collection], collection]),
) as Readonly<Record<ConfigurationKind, Collection>>;

/** Makes something of each collection. */
export const mapCollections = <T>(make: (collection: Collection) => T): Readonly<Record<Collection, T>> =>
  Object.fromEntries(collections.map((collection) => [collection, make(collection)])) as Record<Collection, T>;
