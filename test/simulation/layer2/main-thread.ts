import type { GroupOrder } from '../../../src/lib/group-order.ts';
import type { Ip } from '../../../src/lib/ip.ts';
import type { Member, OwnershipEvent, OwnershipReport } from '../../../src/proto/ownership/machine.ts';
import type { Random } from '../random.ts';
import { type ApiState, orderCandidates } from './orders.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The main thread of one speaker, as far as it matters here. */
export type MainThread = {
  /** Its watches have delivered this. */
  readonly onApi: (state: ApiState) => void;
  readonly onMembers: (members: readonly Member[], isComplete: boolean) => void;
  readonly members: () => readonly Member[];
  /** What it has ordered for a group. */
  readonly candidates: (key: Ip) => readonly string[];
  readonly onReport: (report: OwnershipReport) => void;
  /** Its watches are current. */
  isWatchCurrent: boolean;
  /** It does nothing, as while it parses something endless. */
  readonly hang: () => void;
  readonly proceed: () => void;
  readonly isHung: () => boolean;
  readonly end: () => void;
};

/** How often it says that it lives. */
const awakeEvery = 1000;

/** Gives orders, reacts to reports, each with a delay; decides by the election of the speaker. */
export const startMainThread = (
  time: VirtualTime,
  random: Random,
  node: string,
  isOriginal: boolean,
  command: (event: OwnershipEvent) => void,
  onEnded: () => void,
): MainThread => {
  let api: ApiState = new Map();
  let members: readonly Member[] = [];
  let isComplete = false;
  let isDead = false;
  let isHung = false;
  let isPlanned = false;
  let waiting: (() => void)[] = [];
  const heard = new Set<string>();
  /** Nodes whose beacons were heard, and are not any more. */
  const ceased = new Set<string>();
  const owners = new Map<Ip, string>();
  const ordered = new Map<Ip, GroupOrder>();
  const handedOver = new Set<Ip>();

  /** Runs something on the thread, now or when it goes on. */
  const run = (action: () => void): void => {
    if (isDead) return;
    if (isHung) waiting.push(action);
    else action();
  };

  /** Candidates that are gone, by gossip and by beacon. */
  const gone = (): ReadonlySet<string> => {
    if (!isComplete) return new Set();
    const living = new Set([node, ...heard, ...members.map((member) => member.node)]);
    const lists = new Set(Array.from(api.values(), ({ nodes }) => nodes));
    return new Set([...lists].flatMap((nodes) => nodes.filter((name) => !living.has(name))));
  };

  const decide = (): void => {
    isPlanned = false;
    const changed: GroupOrder[] = [];
    const policy = isOriginal || members.some(({ beacons }) => !beacons) ? 'exact' : 'sticky';
    const isHeard = (name: string): boolean => !ceased.has(name);
    const orders = orderCandidates({ api, gone: gone(), isHeard, owners, policy });
    for (const { key, addresses, revision } of api.values()) {
      const candidates = orders.get(key) ?? [];
      const order: GroupOrder = { key, addresses, candidates, policy, revision };
      const before = ordered.get(order.key);
      if (before === undefined || !isSame(before, order)) changed.push(order);
      ordered.set(order.key, order);
    }
    const removed = [...ordered.keys()].filter((key) => !api.has(key));
    const revision = Math.max(0, ...Array.from(ordered.values(), (order) => order.revision)) + 1;
    for (const key of removed) ordered.delete(key);
    if (changed.length + removed.length > 0) {
      command({
        type: 'groups',
        changed,
        removed: removed.map((key) => ({ key, isReleased: true, revision })),
      });
    }
    const unwanted = [...ordered.values()]
      .filter(({ key, candidates }) => owners.get(key) === node && !candidates.includes(node) && candidates.length > 0)
      .map(({ key }) => key);
    const fresh = unwanted.filter((key) => !handedOver.has(key));
    handedOver.clear();
    for (const key of unwanted) handedOver.add(key);
    if (fresh.length > 0) command({ type: 'handOver', keys: fresh, to: undefined });
  };

  /** Many changes, one decision. */
  const plan = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    time.after(1 + random.next() * 10, () => run(decide));
  };

  const beat = (): void => {
    if (isDead) return;
    if (!isHung) command({ type: 'mainAwake', isWatchCurrent: main.isWatchCurrent });
    time.after(awakeEvery, beat);
  };

  const main: MainThread = {
    onApi: (state) =>
      run(() => {
        api = state;
        plan();
      }),
    onMembers: (list, isAll) =>
      run(() => {
        members = list;
        isComplete = isAll;
        command({ type: 'members', members, isComplete });
        plan();
      }),
    members: () => members,
    candidates: (key) => ordered.get(key)?.candidates ?? [],
    onReport: (report) => {
      if (report.type !== 'owner' && report.type !== 'peer' && report.type !== 'ended') return;
      run(() => {
        if (report.type === 'ended') return onEnded();
        if (report.type === 'peer') {
          (report.isHeard ? heard : ceased).add(report.node);
          (report.isHeard ? ceased : heard).delete(report.node);
        } else if (report.node === undefined) owners.delete(report.key);
        else owners.set(report.key, report.node);
        plan();
      });
    },
    isWatchCurrent: true,
    hang: () => {
      isHung = true;
    },
    proceed: () => {
      isHung = false;
      const came = waiting;
      waiting = [];
      for (const action of came) run(action);
    },
    isHung: () => isHung,
    end: () => {
      isDead = true;
    },
  };
  beat();
  return main;
};

const isSame = (a: GroupOrder, b: GroupOrder): boolean =>
  a.revision === b.revision &&
  a.policy === b.policy &&
  a.addresses === b.addresses &&
  (a.candidates === b.candidates ||
    (a.candidates.length === b.candidates.length && a.candidates.every((node, index) => node === b.candidates[index])));
