import type { NodeReason } from '../src/domain/layer2/announcement.ts';
import { whyExcluded } from '../src/domain/layer2/candidates.ts';
import type { NodeState } from '../src/domain/layer2/election.ts';
import type { NodeView } from '../src/domain/objects.ts';
import type { Clock, Millis } from '../src/lib/time.ts';

export type NodeStatesOptions = {
  /** Name of this node. */
  readonly self: string;
  readonly nodes: {
    readonly get: (name: string) => NodeView | undefined;
    readonly values: () => Iterable<NodeView>;
  };
  /** Nodes keep their addresses whatever the label `exclude-from-external-load-balancers` says. */
  readonly ignoreExcludeLabel: boolean;
  readonly clock: Clock;
};

/** What news of a node can change: who is a candidate, or only in which order they are ranked. */
export type NodeNews = 'candidates' | 'ranks' | undefined;

/** What is known of the nodes: from the API, from the membership, from beacons. */
export type NodeStates = {
  /**
   * Who takes part, as the membership has it. Whoever's beacons are heard takes part as well: gossip may be blocked, or
   * late to find back to a node that was cut off.
   */
  readonly setMembers: (members: Iterable<string>) => NodeNews;
  /** The Node object came, changed or went. */
  readonly nodeChanged: (name: string) => NodeNews;
  /** Whether the beacons of a member are heard, and which interfaces it has. Gives whether those are others. */
  readonly setPeer: (
    name: string,
    isHeard: boolean,
    interfaces: readonly string[],
  ) => { news: NodeNews; isOther: boolean };
  readonly setInterfaces: (names: readonly string[]) => void;
  /** The members that may own addresses at all, in order of name. */
  readonly eligible: () => ReadonlySet<string>;
  /** Of these, how many are heard. */
  readonly living: () => number;
  /** All nodes there are, each with why it may not own addresses at all. */
  readonly known: () => Iterable<readonly [node: string, reason: NodeReason | undefined]>;
  readonly interfacesOf: (name: string) => ReadonlySet<string> | undefined;
  readonly stateOf: (name: string) => NodeState;
  /** Since when it has been a member that is heard and ready; undefined: it is not. */
  readonly upSince: (name: string) => Millis | undefined;
  /** Since when this node has not been ready; undefined: it is. */
  readonly notReadySince: () => Millis | undefined;
};

/** Makes the states of a cluster without members. */
export const createNodeStates = ({ self, nodes, ignoreExcludeLabel, clock }: NodeStatesOptions): NodeStates => {
  let named: ReadonlySet<string> = new Set();
  const heard = new Set<string>();
  /** Those named and those heard. */
  let members: ReadonlySet<string> = new Set();
  let eligible: ReadonlySet<string> = new Set();
  let living = 0;
  const unheard = new Set<string>();
  const interfaces = new Map<string, ReadonlySet<string>>();
  const ups = new Map<string, Millis>();
  let notReadySince: Millis | undefined;

  // An object that is missing where there are others was deleted; where there are none, nothing is known of nodes.
  const whyNot = (name: string): ReturnType<typeof whyExcluded> => {
    const node = nodes.get(name);
    return node === undefined && Iterator.from(nodes.values()).next().done === true
      ? undefined
      : whyExcluded(node, ignoreExcludeLabel);
  };
  const isReady = (name: string): boolean => nodes.get(name)?.ready ?? true;
  const isHeard = (name: string): boolean => !unheard.has(name);

  const look = (): NodeNews => {
    const now = new Set([...members].filter((name) => whyNot(name) === undefined).sort());
    const isSame = now.symmetricDifference(eligible).size === 0;
    const isOrdered = isSame && livingOf(now) === living;
    if (!isSame) eligible = now;
    living = livingOf(now);
    return isSame ? (isOrdered ? undefined : 'ranks') : 'candidates';
  };
  const livingOf = (names: ReadonlySet<string>): number =>
    Iterator.from(names).reduce((sum, name) => sum + Number(isHeard(name)), 0);

  const noteUp = (name: string): void => {
    const isUp = members.has(name) && isHeard(name) && isReady(name);
    if (!isUp) ups.delete(name);
    else if (!ups.has(name)) ups.set(name, clock.now());
  };

  const count = (): void => {
    const before = members;
    members = named.union(heard);
    for (const name of before.symmetricDifference(members)) noteUp(name);
    for (const name of before) {
      // Whoever comes back is to be heard of anew.
      if (!members.has(name) && name !== self) interfaces.delete(name);
      if (!members.has(name)) unheard.delete(name);
    }
  };

  return {
    setMembers: (names) => {
      named = new Set(names);
      count();
      return look();
    },
    nodeChanged: (name) => {
      const wasUp = ups.has(name);
      noteUp(name);
      if (name === self) notReadySince = isReady(name) ? undefined : (notReadySince ?? clock.now());
      return look() ?? (wasUp === ups.has(name) ? undefined : 'ranks');
    },
    setPeer: (name, isHeardNow, names) => {
      if (isHeardNow) {
        heard.add(name);
        unheard.delete(name);
      } else {
        heard.delete(name);
        if (named.has(name)) unheard.add(name);
      }
      count();
      noteUp(name);
      const before = interfaces.get(name);
      const now = new Set(names);
      // Who is silent has the interfaces it had.
      const isOther = isHeardNow && before?.symmetricDifference(now).size !== 0;
      if (isOther) interfaces.set(name, now);
      return { news: look(), isOther };
    },
    setInterfaces: (names) => void interfaces.set(self, new Set(names)),
    eligible: () => eligible,
    living: () => living,
    known: function* () {
      const names = new Set(members);
      for (const { name } of nodes.values()) names.add(name);
      for (const name of [...names].sort()) yield [name, members.has(name) ? whyNot(name) : 'notMember'];
    },
    interfacesOf: (name) => interfaces.get(name),
    stateOf: (name) => ({ isReady: isReady(name), isHeard: isHeard(name) }),
    upSince: (name) => ups.get(name),
    notReadySince: () => notReadySince,
  };
};
