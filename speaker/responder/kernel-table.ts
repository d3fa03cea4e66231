import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type { DumpMessage } from '../../src/proto/rtnetlink/netlink.ts';

/** The objects of one kind that the kernel tells of, kept current by its messages, and by dumps where some were lost. */
export type KernelTable<Key, Value> = {
  readonly set: (key: Key, value: Value) => void;
  readonly delete: (key: Key) => void;
  /** Takes note of what happens to dumps, or that messages were lost. */
  readonly apply: (message: DumpMessage | { readonly type: 'lost' }) => void;
  /** The sequence number of a dump that is to be requested now; undefined while there is no need. */
  readonly takeRequest: (now: Millis) => number | undefined;
  /** When `takeRequest` may have one to give. */
  readonly nextDeadline: () => Millis;
  /** Whether a dump has been read to its end, so that there is something to go by. */
  readonly isComplete: () => boolean;
  readonly values: () => Iterable<Value>;
};

/** The shortest time between two requests: objects that come and go all the time interrupt one dump after the other. */
const requestInterval = millis(100);

/** A dump that has not ended by then will not. */
const dumpLimit = seconds(5);

/** Makes an empty table. Pure: the time is an argument. */
export const createKernelTable = <Key, Value>(): KernelTable<Key, Value> => {
  const objects = new Map<Key, Value>();
  let sequence = 0;
  let requestedAt = -Infinity;
  /** Set until the dump last requested ends: the objects that it has not named, and whether it has missed none. */
  let dump: { readonly unseen: Set<Key>; isWhole: boolean } | undefined;
  let isDumpNeeded = true;
  let isComplete = false;

  const endDump = (errno: number): void => {
    if (dump === undefined) return;
    if (errno === 0 && dump.isWhole) for (const key of dump.unseen) objects.delete(key);
    else isDumpNeeded = true;
    dump = undefined;
  };
  const nextDeadline = (): Millis =>
    millis(requestedAt + (isDumpNeeded ? requestInterval : dump === undefined ? Infinity : dumpLimit));

  return {
    set: (key, value) => {
      objects.set(key, value);
      dump?.unseen.delete(key);
    },
    delete: (key) => {
      objects.delete(key);
    },
    apply: (message) => {
      switch (message.type) {
        case 'lost':
          isDumpNeeded = true; // also if one goes on: its parts may be among what was lost
          if (dump !== undefined) dump.isWhole = false;
          return;
        case 'interrupted':
          if (message.sequence === sequence && dump !== undefined) dump.isWhole = false;
          return;
        case 'done':
          if (message.errno === 0) isComplete = true;
          if (message.sequence === sequence) endDump(message.errno);
          return;
        case 'error':
          if (message.sequence === sequence && message.errno !== 0) endDump(message.errno);
          return;
      }
    },
    takeRequest: (now) => {
      if (now < nextDeadline()) return undefined;
      requestedAt = now;
      isDumpNeeded = false;
      dump = { unseen: new Set(objects.keys()), isWhole: true };
      return ++sequence;
    },
    nextDeadline,
    isComplete: () => isComplete,
    values: () => objects.values(),
  };
};
