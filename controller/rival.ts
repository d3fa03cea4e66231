import type { Api } from '../src/k8s/client/api.ts';
import type { Leadership, LeadershipChange } from '../src/k8s/leadership/leader-election.ts';
import { createReflector } from '../src/k8s/watch/reflector.ts';
import { collectionPath, resources } from '../src/k8s/resources.ts';
import { filled, object } from '../src/lib/json.ts';
import { createListeners } from '../src/lib/listeners.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, millis } from '../src/lib/time.ts';

export type RivalWatchOptions = {
  /** Is only read. */
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Our own, where the original is installed as well. */
  readonly namespace: string;
};

/** Watches for controllers of the original MetalLB, which knows no Lease and would give addresses beside us. */
export type RivalWatch = {
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Settles when it is known whether there are any. */
  readonly synced: Promise<void>;
  /** Names of their pods, sorted. A pod that is being deleted still counts: its controller may still write. */
  readonly rivals: () => readonly string[];
  /** Whether it is known that there are none. */
  readonly isAlone: () => boolean;
  /** Tells that `rivals` or `isAlone` may give another answer, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
};

/** Pods of a controller as its manifests or its chart label them, without the label that our pods carry. */
const selectors = [
  'app=metallb,component=controller',
  'app.kubernetes.io/name=metallb,app.kubernetes.io/component=controller',
];
const notOurs = 'metallb.io/implementation!=metallb-ts';

/** Pods that have ended stay in the list, evicted ones for example, but write no more. */
const hasNotEnded = 'status.phase!=Succeeded,status.phase!=Failed';

/** Makes the watch. The API server selects, so that while there are no rivals nothing is sent and nothing kept. */
export const createRivalWatch = ({ api, clock, log, namespace }: RivalWatchOptions): RivalWatch => {
  const listeners = createListeners();
  let isKnown = false;
  let told = '';

  const rivals = (): readonly string[] =>
    [...new Set(reflectors.flatMap((reflector) => [...reflector.values()]))].sort();

  const tell = (): void => {
    if (!isKnown) return;
    const names = rivals().join();
    if (names !== told) {
      if (names !== '') log.warn('a controller of the original MetalLB runs: nothing is written', { pods: rivals() });
      else log.info('the controller of the original MetalLB is gone');
    }
    told = names;
    listeners.tell();
  };

  const reflectors = selectors.map((labels) =>
    createReflector<string>({
      api,
      clock,
      log,
      path: collectionPath(resources.pods, namespace),
      labelSelector: `${labels},${notOurs}`,
      fieldSelector: hasNotEnded,
      project: podName,
      onChange: ({ type }) => {
        if (type !== 'updated') tell();
      },
    }),
  );
  const synced = Promise.all(reflectors.map(async (reflector) => reflector.synced)).then(() => {
    isKnown = true;
    tell();
  });

  return {
    run: async (signal) => {
      await Promise.all(reflectors.map(async (reflector) => reflector.run(signal)));
    },
    synced,
    rivals,
    isAlone: () => isKnown && rivals().length === 0,
    onChange: listeners.add,
  };
};

const podName = (raw: unknown): string | undefined => filled(object(object(raw)['metadata'])['name']);

/** The leadership of somebody who also keeps still beside controllers of the original MetalLB. */
export const withoutRivals = (
  leadership: Leadership,
  rivals: Pick<RivalWatch, 'isAlone' | 'rivals' | 'onChange'>,
): Leadership => {
  const listeners = createListeners<LeadershipChange>();
  const isLeader = (): boolean => leadership.isLeader() && rivals.isAlone();
  /** As it was told last: a lease that ran out and was renewed is two changes, of which the time shows none. */
  let isElected = leadership.isLeader();
  let wasLeader = isLeader();
  /** Whether anybody can have written since we could. */
  let othersWrote = !wasLeader;

  const tell = (): void => {
    const leads = isElected && rivals.isAlone();
    if (rivals.rivals().length > 0) othersWrote = true;
    if (leads === wasLeader) return;
    wasLeader = leads;
    const change = { isLeader: leads, othersHeldIt: leads && othersWrote };
    if (leads) othersWrote = false;
    listeners.tell(change);
  };
  leadership.onChange((change) => {
    isElected = change.isLeader;
    if (change.isLeader && change.othersHeldIt) othersWrote = true;
    tell();
  });
  rivals.onChange(tell);

  return {
    validFor: () => (rivals.isAlone() ? leadership.validFor() : millis(0)),
    isLeader,
    onChange: listeners.add,
  };
};
