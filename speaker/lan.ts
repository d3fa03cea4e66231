import { readFileSync } from 'node:fs';
import { parseIp } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';
import { ok } from '../src/lib/result.ts';
import { runTogether } from '../src/lib/tasks.ts';
import { type Clock, type Millis, untilAborted, within } from '../src/lib/time.ts';
import { lanConfig, parseMemberlistConfig, wanConfig } from '../src/proto/memberlist/config.ts';
import { exclusionFile, parseExclusions } from './exclusions.ts';
import { openKeyFile } from './key-file.ts';
import { createMembership } from './membership/membership.ts';
import type { Membership } from './membership/types.ts';
import type { Options } from './options.ts';
import { type ResponderThread, startResponder } from './responder/client.ts';

/** Where the ConfigMap `metallb-memberlist-config` may be mounted; what it says replaces the whole profile. */
const memberlistConfigFile = '/etc/metallb/memberlist/config.json';

/** What this speaker has to do with the other speakers and the LAN, whatever the API says. */
export type Lan = {
  readonly membership: Membership | undefined;
  readonly responder: ResponderThread;
  /** Speakers watch each other by beacons: there are members to watch, and a key. */
  readonly hasBeacon: boolean;
  /** Follows the key; when `signal` aborts, hands over what is owned, leaves the others and falls silent. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Nothing is owned any more. */
  readonly isLeft: () => boolean;
};

/** How long the parts of an end may take. */
export type LeaveLimits = {
  /** Handing over what is owned. */
  readonly handOver: Millis;
  /** Telling the other members. */
  readonly leave: Millis;
};

export type LanOptions = {
  readonly options: Options;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LeaveLimits;
};

/** Takes part in memberlist and starts the responder. Rejects if the key, a file or a port is not to be had. */
export const enterLan = async ({ options, clock, log, limits }: LanOptions): Promise<Lan> => {
  const self = options['node-name'];
  const folder = options['ml-secret-key-path'];
  const key =
    folder === '' ? undefined : await openKeyFile({ folder, clock, log, onChange: (secret) => changeKey(secret) });
  const changeKey = (secret: Uint8Array): void => {
    membership?.setSecret(secret);
    if (hasBeacon) responder.key(secret);
  };
  const bindAddress = parseIp(options['ml-bindaddr']);
  const profileText = readIfExists(memberlistConfigFile);
  const usual = options['ml-wan-config'] ? wanConfig : lanConfig;
  const profile = profileText === undefined ? ok(usual) : parseMemberlistConfig(profileText);
  if (!profile.ok) throw new Error(profile.error);
  const membership = bindAddress.ok
    ? await createMembership({
        name: self,
        bindAddress: bindAddress.value,
        port: options['ml-bindport'],
        secret: key?.secret,
        config: profile.value,
        clock,
        log,
      })
    : undefined;
  const hasBeacon = membership !== undefined && key !== undefined;
  if (!hasBeacon) {
    log.warn('without memberlist and its key nobody takes over from a node that fails until the API says so', {
      event: 'noBeacon',
    });
  }
  const exclusions = parseExclusions(readIfExists(exclusionFile));
  if (!exclusions.ok) throw new Error(`cannot tell which interfaces are excluded: ${exclusions.error}`);
  const responder = startResponder({
    node: self,
    excluded: exclusions.value,
    beaconPort: options['beacon-port'],
    secret: hasBeacon ? key?.secret : undefined,
    isProbing: options['address-probes'],
  });
  let isLeft = false;

  const leave = async (signal: AbortSignal): Promise<void> => {
    await untilAborted(signal);
    // The successors answer before this node falls silent.
    await responder.leave(limits.handOver);
    isLeft = true;
    await Promise.all([
      responder.stop(),
      membership && within(clock, limits.leave, membership.leave()).then(async () => membership.close()),
    ]);
  };
  return {
    membership,
    responder,
    hasBeacon,
    run: async (signal) => runTogether(signal, (working) => [key?.run(working), leave(working)]),
    isLeft: () => isLeft,
  };
};

const readIfExists = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
