import { expect, test } from 'vitest';
import { newStory, type Random, seededRandom, seedsToPlay, type Story } from '../../../test/simulation/random.ts';
import { seconds, type WallTime } from '../../lib/time.ts';
import {
  type AuthorityFacts,
  planRotation,
  type RotationStep,
  type SecretFacts,
  settleTime,
  type TargetFacts,
  validity,
} from './rotation.ts';

const day = seconds(86_400);
const hour = seconds(3600);
const start: WallTime = Date.parse('2026-11-21T12:00:00Z');
const length = 400 * day;

/** Clocks of two nodes differ by no more than twice this. */
const skew = seconds(10);
/** From the plan of a step until its write is done. */
const longestWrite = seconds(30);
/** What the settle time leaves for the news to arrive. */
const longestLag = settleTime - longestWrite - 2 * skew;

/** A value that one writes and others see later, each at another time, in the order of the writes. */
type Spread<T> = {
  readonly write: (at: WallTime, value: T) => void;
  readonly seenBy: (viewer: number, at: WallTime) => T;
};

const spread = <T>(random: Random, viewers: number, first: T, onArrival: (at: WallTime) => void): Spread<T> => {
  const seen = Array.from({ length: viewers }, () => [{ from: -Infinity, value: first }]);
  return {
    write: (at, value) => {
      for (const views of seen) {
        // Mostly at once, now and then as late as can be.
        const lag = random.chance(0.7) ? random.next() * seconds(1) : random.next() * longestLag;
        const from = Math.max(at + lag, views.at(-1)!.from);
        views.push({ from, value });
        onArrival(from);
      }
    },
    seenBy: (viewer, at) => seen[viewer]!.findLast(({ from }) => from <= at)!.value,
  };
};

type Certificate = NonNullable<SecretFacts['serving']>;

/** A cluster of API servers that call two replicas, through a year in which the authority or the certificate ends. */
const simulate = (random: Random, story: Story): readonly RotationStep['type'][] => {
  const apiServers = 3;
  const replicas = 2;
  const names = ['webhooks', 'conversion'];
  const moments = new Set<WallTime>();
  const arrive = (at: WallTime): void => void moments.add(at);
  const tell = (at: WallTime, line: string): void => story.tell(`${new Date(at).toISOString()} ${line}`);

  let count = 0;
  const authority = (now: WallTime): AuthorityFacts => ({
    id: `ca-${++count}`,
    notBefore: now - validity.backdated,
    notAfter: now + validity.authority,
  });
  const certificate = (now: WallTime, by: string): Certificate => ({
    notBefore: now - validity.backdated,
    notAfter: now + validity.serving,
    isForService: true,
    signedBy: by,
  });
  const old = authority(start - validity.authority + day + random.next() * 500 * day);
  const first = certificate(start - random.next() * 360 * day, old.id);
  let secret: SecretFacts = { authorities: [old], signer: old.id, serving: first };
  const served = spread<Certificate>(random, replicas, first, arrive);
  const targets = names.map((name) => ({
    facts: { name, authorities: [old.id], injectedAt: random.chance(0.5) ? start - day : undefined } as TargetFacts,
    trusted: spread<readonly string[]>(random, apiServers, [old.id], arrive),
  }));

  const perform = (step: Exclude<RotationStep, { type: 'wait' }>, plannedAt: WallTime, at: WallTime): void => {
    if (step.type === 'inject') {
      for (const target of targets) {
        // One of the writes may fail; the plan asks for it again.
        if (!step.targets.includes(target.facts.name) || random.chance(0.2)) continue;
        const authorities = secret.authorities.map(({ id }) => id);
        target.facts = { ...target.facts, authorities, injectedAt: plannedAt };
        target.trusted.write(at, authorities);
      }
      return;
    }
    if (step.type === 'addAuthority') {
      const next = authority(plannedAt);
      const kept = secret.authorities.filter(({ id }) => step.keep.includes(id));
      secret = { ...secret, authorities: [next, ...kept], signer: next.id };
    } else if (step.type === 'dropAuthorities') {
      secret = { ...secret, authorities: secret.authorities.filter(({ id }) => id === step.keep) };
    } else if (step.type === 'issueServing') {
      const serving = certificate(plannedAt, secret.signer!);
      secret = { ...secret, serving };
      served.write(at, serving);
    } else throw new Error(`everything is replaced: ${step.reason}`);
  };

  /** What users and faults do that must not cost a request. */
  const disturb = (at: WallTime): void => {
    if (random.chance(0.002)) {
      tell(at, 'the key of the authority is lost');
      secret = { ...secret, signer: undefined };
    }
    if (random.chance(0.005)) {
      const target = random.pick(targets as [(typeof targets)[number]]);
      tell(at, `${target.facts.name} no longer says when it was written`);
      target.facts = { ...target.facts, injectedAt: undefined };
    }
  };

  const steps: RotationStep['type'][] = [];
  for (let now = start; now < start + length;) {
    // At the end there is peace, so that what goes on comes to its end.
    if (now < start + length - 10 * day) disturb(now);
    // Any replica may be the one that leads now.
    const clock = now + (random.next() * 2 - 1) * skew;
    const step = planRotation({ secret, targets: targets.map(({ facts }) => facts), now: clock, latestStamp: now });
    if (step.type === 'wait') {
      // Woken early now and then, or there was nobody to wake for hours.
      const until = random.chance(0.1) ? now + random.next() * (step.until - now) : Math.max(now, step.until);
      now = until + (random.chance(0.05) ? random.next() * 6 * hour : random.next() * seconds(1));
      continue;
    }
    steps.push(step.type);
    const at = now + random.next() * (random.chance(0.1) ? longestWrite : seconds(1));
    if (random.chance(0.1)) tell(at, `${step.type} fails`);
    else {
      tell(at, JSON.stringify(step));
      perform(step, clock, at);
    }
    now = at + (random.chance(0.05) ? random.next() * 6 * hour : random.next() * seconds(1));
  }

  for (const at of [...moments].sort((a, b) => a - b)) {
    for (let replica = 0; replica < replicas; replica++) {
      const shown = served.seenBy(replica, at);
      for (const { facts, trusted } of targets) {
        for (let server = 0; server < apiServers; server++) {
          const believed = trusted.seenBy(server, at);
          if (!believed.includes(shown.signedBy!) || at >= shown.notAfter) {
            tell(at, `API server ${server} trusts ${believed.join()} for ${facts.name}`);
            throw new Error(`replica ${replica} shows a certificate by ${shown.signedBy}: refused`);
          }
        }
      }
    }
  }
  expect(secret.authorities).toHaveLength(1);
  expect(secret.serving!.notAfter).toBeGreaterThan(start + length + validity.renewedBefore - day);
  return steps;
};

test('no request is refused while authorities and certificates are replaced', () => {
  const counts: Record<string, number> = {};
  for (const seed of seedsToPlay(2000)) {
    const story = newStory(seed);
    try {
      for (const step of simulate(seededRandom(seed), story)) counts[step] = (counts[step] ?? 0) + 1;
    } catch (error) {
      throw story.failure(error);
    }
  }
  // Something happened in each of them.
  if (process.env['SIMULATION_SEED'] === undefined) {
    for (const step of ['addAuthority', 'inject', 'issueServing', 'dropAuthorities']) {
      expect(counts[step]).toBeGreaterThan(1000);
    }
  }
});
