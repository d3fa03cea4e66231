import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../src/lib/log.ts';
import { type Clock, seconds, sleep } from '../src/lib/time.ts';

export type KeyFileOptions = {
  /** Where the Secret `memberlist` is mounted (`--ml-secret-key-path`). */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every new content after the first. */
  readonly onChange: (secret: Uint8Array) => void;
  /** Default: `readFile`. */
  readonly read?: (path: string) => Promise<Uint8Array>;
};

/** The file `secretkey`: the key of memberlist and beacons, as it stands there, neither trimmed nor decoded. */
export type KeyFile = {
  /** The content at the start. */
  readonly secret: Uint8Array;
  /** Looks for another content until `signal` aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/**
 * The kubelet swaps a symbolic link somewhere above the file, within a minute or two of the edit: reading 22 octets now
 * and then is simpler than to follow that, and works on every file system.
 */
const lookEvery = seconds(5);

/** Reads the key; rejects if it cannot be read or is empty, so that Kubernetes starts the speaker again until it can. */
export const openKeyFile = async (options: KeyFileOptions): Promise<KeyFile> => {
  const { folder, clock, log, onChange, read = readFile } = options;
  const path = join(folder, 'secretkey');
  const readKey = async (): Promise<Uint8Array> => {
    const content = await read(path);
    if (content.length === 0) throw new Error(`${path} is empty`);
    return content;
  };
  const secret = await readKey();
  return {
    secret,
    run: async (signal) => {
      let current = secret;
      let isTold = false;
      for (;;) {
        await sleep(clock, lookEvery, signal);
        if (signal.aborted) return;
        try {
          const now = await readKey();
          isTold = false;
          if (Buffer.compare(now, current) === 0) continue;
          current = now;
          log.info('the key has changed', { event: 'keyChanged' });
          onChange(now);
        } catch (error) {
          // The key in use stays good; a Secret that is being replaced is away for a moment.
          if (!isTold) log.warn('the key cannot be read', { error });
          isTold = true;
        }
      }
    },
  };
};
