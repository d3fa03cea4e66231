import { millis, type Millis, seconds, type WallTime } from '../../lib/time.ts';

/** A certificate authority: a certificate in `ca.crt` of the Secret that may sign others. */
export type AuthorityFacts = {
  /** The fingerprint of the certificate. */
  readonly id: string;
  readonly notBefore: WallTime;
  readonly notAfter: WallTime;
};

/** The certificate in `tls.crt`. */
export type ServingFacts = {
  readonly notBefore: WallTime;
  readonly notAfter: WallTime;
  /** Whether it is good for the name under which the API server calls. */
  readonly isForService: boolean;
  /** Which authority of the bundle signed it; undefined: none. */
  readonly signedBy: string | undefined;
};

/** What stands in the Secret. What cannot be read counts as absent. */
export type SecretFacts = {
  /** `ca.crt`: one authority, or several while one takes the place of another. */
  readonly authorities: readonly AuthorityFacts[];
  /** The authority whose key is `ca.key`; undefined: the key is absent, unusable or of none of them. */
  readonly signer: string | undefined;
  /** Undefined if `tls.crt` or `tls.key` is absent, or if they do not fit each other. */
  readonly serving: ServingFacts | undefined;
};

/** An object that tells the API server whom to trust when it calls a webhook. */
export type TargetFacts = {
  readonly name: string;
  /** The authorities that every one of its webhooks trusts; undefined if they differ, or if it must be written anyway. */
  readonly authorities: readonly string[] | undefined;
  /** When they were written there, as it says; undefined if it does not say. */
  readonly injectedAt: WallTime | undefined;
};

/** All that the plan is made from. */
export type RotationFacts = {
  readonly secret: SecretFacts;
  /** Those that exist. */
  readonly targets: readonly TargetFacts[];
  readonly now: WallTime;
  /** The newest time that the API server has stamped on anything we have read; undefined: none. */
  readonly latestStamp: WallTime | undefined;
};

/** What is to be done next. Each step is one write, and the plan is made anew after it. */
export type RotationStep =
  /** A new authority and a new certificate by it at once: there is nothing that works and could be spared. */
  | { readonly type: 'replaceAll'; readonly reason: string }
  /** A new authority beside those of `keep`, one of which has signed the certificate that goes on being served. */
  | { readonly type: 'addAuthority'; readonly keep: readonly string[]; readonly reason: string }
  /** A new certificate by the authority whose key is there. */
  | { readonly type: 'issueServing'; readonly reason: string }
  /** No other authority than `keep` is needed any more. */
  | { readonly type: 'dropAuthorities'; readonly keep: string }
  /** The bundle of the Secret is written into these targets. */
  | { readonly type: 'inject'; readonly targets: readonly string[] }
  /** Nothing until then, unless something changes. */
  | { readonly type: 'wait'; readonly until: WallTime; readonly reason: 'settled' | 'spreading' | 'clock' };

const day = seconds(86_400);

/** How long certificates are good for, counted from when they are made, and when they are renewed. */
export const validity = {
  authority: millis(10 * 365 * day),
  serving: millis(365 * day),
  /** They begin so long before they are made: clocks differ. */
  backdated: seconds(3600),
  /** Renewed when no more than this is left. */
  renewedBefore: millis(90 * day),
};

/**
 * How long a change of the Secret or of a target may take until everybody has it. An API server learns of a target by a
 * watch of its own, in milliseconds; a replica whose watch of the Secret has gone silent opens it anew after 150 s. The
 * write itself may take 30 s.
 */
export const settleTime: Millis = seconds(300);

/** Everything is looked at again after this, whatever happens. */
const checkInterval: Millis = seconds(12 * 3600);

/** How far a clock may be behind the API server's before nothing is issued by it. */
const clockTolerance: Millis = validity.backdated;
const clockCheckInterval: Millis = seconds(60);

/**
 * Says what to do next so that the webhooks have a valid certificate and the API server trusts it. A rotation refuses no
 * request, because at every moment whatever any replica may still serve is trusted by whatever any API server may still
 * know: (1) the new authority joins the old one in the bundle, everywhere; (2) when the last target has had the bundle
 * for `settleTime`, a certificate by the new authority is served; (3) when that has been in the Secret for `settleTime`,
 * the old authority goes. All times are read from what is stored, so it does not matter who does which step.
 */
export const planRotation = (facts: RotationFacts): RotationStep => {
  const { secret, targets, now, latestStamp } = facts;
  // A board without a battery starts in the past: nothing must be judged by such a clock.
  if (latestStamp !== undefined && now < latestStamp - clockTolerance) {
    return { type: 'wait', until: now + clockCheckInterval, reason: 'clock' };
  }
  const byId = new Map(secret.authorities.map((authority) => [authority.id, authority]));
  const signer = secret.signer === undefined ? undefined : byId.get(secret.signer);
  const signerFlaw = authorityFlaw(signer, now);
  const { serving } = secret;
  const servingFlaw = flawOf(serving, byId, now);

  if (serving?.signedBy === undefined || servingFlaw !== undefined) {
    const reason = servingFlaw ?? unsigned;
    return signerFlaw === undefined ? { type: 'issueServing', reason } : { type: 'replaceAll', reason };
  }

  const bundle = secret.authorities.map(({ id }) => id);
  const behind = targets.filter(({ authorities }) => authorities === undefined || !isSameSet(authorities, bundle));
  if (behind.length > 0) return { type: 'inject', targets: behind.map(({ name }) => name) };

  if (signer === undefined || signerFlaw !== undefined) {
    const reason = signerFlaw ?? keyless;
    return { type: 'addAuthority', keep: bundle, reason };
  }
  if (serving.signedBy !== signer.id) return planSwitch(targets, now);
  if (serving.notAfter - now <= validity.renewedBefore) {
    return { type: 'issueServing', reason: 'the certificate ends soon' };
  }
  if (bundle.length > 1) {
    const due = serving.notBefore + validity.backdated + settleTime;
    return now >= due
      ? { type: 'dropAuthorities', keep: signer.id }
      : { type: 'wait', until: due, reason: 'spreading' };
  }
  const renewal = Math.min(signer.notAfter, serving.notAfter) - validity.renewedBefore;
  return { type: 'wait', until: Math.min(renewal, now + checkInterval), reason: 'settled' };
};

/** The new authority is in the bundle and in all targets: a certificate by it, as soon as every API server trusts it. */
const planSwitch = (targets: readonly TargetFacts[], now: WallTime): RotationStep => {
  // Without a time, or with one that a clock which ran ahead has written, it counts from now.
  const undated = targets.filter(({ injectedAt }) => injectedAt === undefined || injectedAt > now + clockTolerance);
  if (undated.length > 0) return { type: 'inject', targets: undated.map(({ name }) => name) };
  const due = Math.max(...targets.map(({ injectedAt }) => injectedAt ?? now)) + settleTime;
  return now >= due
    ? { type: 'issueServing', reason: 'the new authority is trusted everywhere' }
    : { type: 'wait', until: due, reason: 'spreading' };
};

const keyless = 'the key of the authority is missing or fits none of the bundle';
const unsigned = 'the certificate is not signed by an authority of the bundle';

/** Why an authority must not sign any more; undefined: it may. */
const authorityFlaw = (authority: AuthorityFacts | undefined, now: WallTime): string | undefined => {
  if (authority === undefined) return keyless;
  if (now < authority.notBefore) return 'the authority is not valid yet';
  return authority.notAfter - now <= validity.renewedBefore ? 'the authority ends soon' : undefined;
};

/** Why the API server would not accept the certificate even if it trusted the authority; undefined: it would. */
const flawOf = (
  serving: ServingFacts | undefined,
  authorities: ReadonlyMap<string, AuthorityFacts>,
  now: WallTime,
): string | undefined => {
  if (serving === undefined) return 'there is no certificate that can be used';
  if (!serving.isForService) return 'the certificate is for another name';
  if (now < serving.notBefore) return 'the certificate is not valid yet';
  if (now >= serving.notAfter) return 'the certificate has ended';
  const authority = serving.signedBy === undefined ? undefined : authorities.get(serving.signedBy);
  if (authority === undefined) return unsigned;
  return now < authority.notBefore || now >= authority.notAfter ? 'the authority is not valid now' : undefined;
};

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id) => b.includes(id));
