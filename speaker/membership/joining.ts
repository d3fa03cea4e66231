import type { Ip } from '../../src/lib/ip.ts';
import { type Clock, seconds } from '../../src/lib/time.ts';

/** Peers that are no members are tried this often. */
const interval = seconds(60);

/** Joins at a time: the first that succeeds usually names all the others. */
const atATime = 4;

/** Everybody who is there has answered by then: a peer that is gone may take the whole timeout of TCP. */
const patience = seconds(2);

export type JoiningOptions = {
  readonly clock: Clock;
  /** Whether an address is this node's own, or a living member's. */
  readonly isMember: (address: Ip) => boolean;
  /** Exchanges states with an address; resolves with whether it answered. */
  readonly join: (address: Ip) => Promise<boolean>;
  /** `isComplete` has become true. */
  readonly onComplete: () => void;
};

/** Joins the speakers that the API names and that are no members. */
export type Joining = {
  readonly setPeers: (addresses: readonly Ip[]) => void;
  readonly isComplete: () => boolean;
  readonly close: () => void;
};

/** Makes the joining of one membership; it begins with the first `setPeers`. */
export const createJoining = ({ clock, isMember, join, onComplete }: JoiningOptions): Joining => {
  let peers: readonly Ip[] = [];
  let waiting: Ip[] = [];
  let running = 0;
  let isComplete = false;
  let isClosed = false;
  let cancelPatience: (() => void) | undefined;
  let cancelInterval: (() => void) | undefined;

  const complete = (): void => {
    if (isComplete || isClosed) return;
    isComplete = true;
    onComplete();
  };

  const attempt = async (address: Ip): Promise<void> => {
    running += 1;
    const isAnswered = await join(address);
    running -= 1;
    if (isAnswered) complete();
    advance();
  };

  const next = (): Ip | undefined => {
    if (isClosed || running >= atATime) return undefined;
    for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) {
      if (!isMember(address)) return address;
    }
    return undefined;
  };

  const advance = (): void => {
    for (let address = next(); address !== undefined; address = next()) void attempt(address);
    if (running === 0) complete(); // nobody is there, or all were tried in vain
  };

  const round = (): void => {
    cancelInterval?.();
    cancelInterval = clock.after(interval, round);
    waiting = peers.filter((address) => !isMember(address));
    advance();
  };

  return {
    setPeers: (addresses) => {
      cancelPatience ??= clock.after(patience, complete);
      if (addresses.length === peers.length && addresses.every((address) => peers.includes(address))) {
        if (cancelInterval !== undefined) return;
      }
      peers = addresses;
      round();
    },
    isComplete: () => isComplete,
    close: () => {
      isClosed = true;
      cancelPatience?.();
      cancelInterval?.();
    },
  };
};
