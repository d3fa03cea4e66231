import type { SpeakerPodView } from '../src/domain/objects.ts';
import { type Ip, parseIp } from '../src/lib/ip.ts';
import { type Clock, seconds } from '../src/lib/time.ts';
import type { Member } from '../src/proto/ownership/machine.ts';
import type { Membership } from './membership/types.ts';

export type ParticipantsOptions = {
  /** Name of this node. */
  readonly self: string;
  /** Undefined: those take part whose pods are ready. */
  readonly membership: Pick<Membership, 'members' | 'isComplete' | 'onChange' | 'setPeers'> | undefined;
  /** The speaker pods as the watch has them. */
  readonly pods: () => Iterable<SpeakerPodView>;
  readonly clock: Clock;
  /** Told of all participants but this one; `isComplete` once everybody who is there has had time to be named. */
  readonly onMembers: (members: readonly Member[], isComplete: boolean) => void;
  /** Told as `onMembers`, but not before all are known or have had long enough: elections rest on it. */
  readonly onKnown: (members: readonly Member[]) => void;
};

/** Who takes part beside this speaker: as memberlist has it, which the API only helps to find them, or as the API has it. */
export type Participants = {
  /** All pods have been listed. */
  readonly start: () => void;
  /** A speaker pod came, changed or went. */
  readonly podsChanged: () => void;
};

/** A pod that cannot be reached must not keep the others from being elected. */
const patience = seconds(2);

/** Makes it; nothing is told before `start`, apart from what memberlist finds by itself. */
export const createParticipants = (options: ParticipantsOptions): Participants => {
  const { self, membership, pods, clock, onMembers, onKnown } = options;
  let isStarted = false;
  let isPatienceOver = false;
  let peers = '';

  const tell = (): void => {
    const isComplete = membership?.isComplete() ?? true;
    const members = membership === undefined ? readyOthers(pods(), self) : othersOf(membership, self);
    onMembers(members, isComplete);
    if (isStarted && (isComplete || isPatienceOver)) onKnown(members);
  };

  const find = (): void => {
    const addresses = [...new Set([...pods()].flatMap((pod) => addressOf(pod) ?? []))].sort();
    // Being told the same again would have them joined again.
    if (addresses.join() === peers) return;
    peers = addresses.join();
    membership?.setPeers(addresses);
  };

  membership?.onChange(tell);
  return {
    start: () => {
      isStarted = true;
      find();
      tell();
      clock.after(patience, () => {
        isPatienceOver = true;
        if (membership?.isComplete() === false) tell();
      });
    },
    podsChanged: () => {
      if (!isStarted) return;
      if (membership === undefined) tell();
      else find();
    },
  };
};

const othersOf = ({ members }: Pick<Membership, 'members'>, self: string): readonly Member[] =>
  members()
    .filter(({ name }) => name !== self)
    .map(({ name, address, isOurs }) => ({ node: name, address, beacons: isOurs }));

const readyOthers = (pods: Iterable<SpeakerPodView>, self: string): readonly Member[] =>
  [...pods].flatMap((pod) =>
    pod.ready && pod.nodeName !== undefined && pod.nodeName !== self
      ? [{ node: pod.nodeName, address: addressOf(pod), beacons: false }]
      : [],
  );

/** The first one, as MetalLB has it. */
const addressOf = ({ ips }: SpeakerPodView): Ip | undefined => {
  const parsed = parseIp(ips[0] ?? '');
  return parsed.ok ? parsed.value : undefined;
};
