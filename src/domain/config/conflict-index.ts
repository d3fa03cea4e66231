/** Names of nodes or of peers; undefined: all there are, and all that may come. */
export type Scope = ReadonlySet<string> | undefined;

/** Says something about a subject, for some nodes and some peers. */
export type Claim<Owner> = {
  readonly subject: string;
  readonly nodes: Scope;
  readonly peers: Scope;
  /** Claims with equal values agree. */
  readonly value: string | number;
  readonly owner: Owner;
};

/** Claims that agree wherever they meet. */
export type ConflictIndex<Owner> = {
  /** The owner of a claim about the same subject, for a common node and a common peer, with another value. */
  readonly find: (claim: Claim<Owner>) => Owner | undefined;
  readonly add: (claim: Claim<Owner>) => void;
};

// Neither is the name of an object.
const all = '*';
const any = '?';

/** An empty index. Both operations take time in the number of the claim's own nodes × peers, however many claims there are. */
export const conflictIndex = <Owner>(): ConflictIndex<Owner> => {
  // Of each cell two claims with different values are enough: one of them differs from whatever is asked about.
  const cells = new Map<string, Claim<Owner>[]>();
  const keys = function* ({ subject }: Claim<Owner>, nodes: Iterable<string>, peers: readonly string[]) {
    for (const node of nodes) for (const peer of peers) yield `${subject} ${node} ${peer}`;
  };
  return {
    find: (claim) => {
      for (const key of keys(claim, asked(claim.nodes), asked(claim.peers))) {
        const other = cells.get(key)?.find(({ value }) => value !== claim.value);
        if (other !== undefined) return other.owner;
      }
      return undefined;
    },
    add: (claim) => {
      for (const key of keys(claim, held(claim.nodes), held(claim.peers))) {
        const cell = cells.get(key);
        if (cell === undefined) cells.set(key, [claim]);
        else if (cell.length < 2 && cell[0]!.value !== claim.value) cell.push(claim);
      }
    },
  };
};

/** Where a claim is found: at each of its names, and by whoever asks about anything. */
const held = (scope: Scope): readonly string[] =>
  scope === undefined ? [all, any] : scope.size === 0 ? [] : [...scope, any];

/** Where to look: at each name and at what holds for all of them. */
const asked = (scope: Scope): readonly string[] =>
  scope === undefined ? [any] : scope.size === 0 ? [] : [...scope, all];
