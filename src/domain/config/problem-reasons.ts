/** What a problem means for what is in force, and for a request that would bring it about. */
type Treatment = {
  /** An error keeps something out of force that its author wanted there; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** `warn` where the object is sound by itself: what it needs may come later, or from another version. */
  readonly admission: 'deny' | 'warn';
};

const fault = { severity: 'error', admission: 'deny' } as const satisfies Treatment;
const unmet = { severity: 'error', admission: 'warn' } as const satisfies Treatment;

/** Every reason for a problem, in one word that events and conditions show as well. */
export const problemReasons = {
  InvalidSpec: fault,
  InvalidAddresses: fault,
  OverlappingAddresses: fault,
  InvalidSelector: fault,
  InvalidPeer: fault,
  InvalidBfdProfile: fault,
  InvalidCommunity: fault,
  InvalidAdvertisement: fault,
  /** Two objects that are sound by themselves cannot both be in force. */
  Conflict: fault,
  /** The old ConfigMap says something that cannot be read. */
  InvalidConfigMap: fault,
  /** It stands there twice and counts once. */
  DuplicateDefinition: { severity: 'warning', admission: 'deny' },
  /** What is named does not exist, or not yet. */
  UnknownBfdProfile: unmet,
  UnknownCommunity: unmet,
  /** A VRF, which is FRR's to serve. */
  NeedsFrr: { severity: 'warning', admission: 'warn' },
  /** The old ConfigMap stands beside custom resources without the mark that it is wanted. */
  NotInUse: { severity: 'warning', admission: 'warn' },
  /** A custom resource takes the place of an entry of the old ConfigMap. */
  Replaced: { severity: 'warning', admission: 'warn' },
} as const satisfies Readonly<Record<string, Treatment>>;

export type ProblemReason = keyof typeof problemReasons;
