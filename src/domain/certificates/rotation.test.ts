import { describe, expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import {
  planRotation,
  type AuthorityFacts,
  type RotationFacts,
  type SecretFacts,
  type ServingFacts,
  settleTime,
  validity,
} from './rotation.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const day = seconds(86_400);
const hour = seconds(3600);

const authority = (id: string, more: Partial<AuthorityFacts> = {}): AuthorityFacts => ({
  id,
  notBefore: now - 100 * day,
  notAfter: now + 3000 * day,
  ...more,
});

const serving = (signedBy: string | undefined, more: Partial<ServingFacts> = {}): ServingFacts => ({
  notBefore: now - 100 * day,
  notAfter: now + 200 * day,
  isForService: true,
  signedBy,
  ...more,
});

const injected = (authorities: readonly string[] | undefined, injectedAt: number = now - day) =>
  ['webhooks', 'conversion'].map((name) => ({ name, authorities, injectedAt }));

/** One authority `old`, a certificate by it, trusted everywhere. */
const facts = (secret: Partial<SecretFacts> = {}, more: Partial<RotationFacts> = {}): RotationFacts => {
  const whole = { authorities: [authority('old')], signer: 'old', serving: serving('old'), ...secret };
  return {
    secret: whole,
    targets: injected(whole.authorities.map(({ id }) => id)),
    now,
    latestStamp: now - day,
    ...more,
  };
};

const empty: SecretFacts = { authorities: [], signer: undefined, serving: undefined };
const both = [authority('new'), authority('old')];

describe('what works is left alone', () => {
  test('until it is renewed, with a look every 12 hours', () => {
    expect(planRotation(facts())).toEqual({ type: 'wait', until: now + 12 * hour, reason: 'settled' });
  });

  test('and no longer than until the certificate is renewed', () => {
    const near = facts({ serving: serving('old', { notAfter: now + 90 * day + hour }) });
    expect(planRotation(near)).toEqual({ type: 'wait', until: now + hour, reason: 'settled' });
  });

  test('whatever time the targets say, or none', () => {
    for (const at of [undefined, now + 1000 * day]) {
      const targets = injected(['old']).map((target) => ({ ...target, injectedAt: at }));
      expect(planRotation(facts({}, { targets })).type).toBe('wait');
    }
  });

  test('also when nothing calls the webhooks', () => {
    expect(planRotation(facts({}, { targets: [] })).type).toBe('wait');
  });
});

describe('what does not work is replaced at once', () => {
  test.each<[string, Partial<SecretFacts>]>([
    ['an empty Secret', empty],
    ['a certificate without an authority', { authorities: [], signer: undefined, serving: serving(undefined) }],
    ['no certificate, and the key is lost', { signer: undefined, serving: undefined }],
    ['a key that fits no authority', { signer: 'other', serving: undefined }],
    [
      'no certificate, and the authority ends soon',
      { authorities: [authority('old', { notAfter: now + day })], serving: undefined },
    ],
    ['an authority from the future', { authorities: [authority('old', { notBefore: now + 1 })] }],
    ['an authority that has ended', { authorities: [authority('old', { notAfter: now })] }],
  ])('%s: authority and certificate', (_, secret) => {
    expect(planRotation(facts(secret))).toMatchObject({ type: 'replaceAll' });
  });

  test.each<[string, ServingFacts | undefined]>([
    ['no certificate', undefined],
    ['another name', serving('old', { isForService: false })],
    ['one that has ended', serving('old', { notAfter: now })],
    ['one from the future', serving('old', { notBefore: now + 1 })],
    ['one that nobody signed', serving(undefined)],
    ['one by an authority that is not in the bundle', serving('other')],
  ])('%s: the certificate alone if the authority is good', (_, certificate) => {
    expect(planRotation(facts({ serving: certificate }))).toMatchObject({ type: 'issueServing' });
  });

  test('before the targets get what stands in the Secret', () => {
    expect(planRotation(facts(empty, { targets: injected(undefined) }))).toMatchObject({ type: 'replaceAll' });
  });
});

describe('the targets follow the Secret', () => {
  test.each([[['other']], [[]], [['old', 'other']], [undefined]])('when they trust %j', (authorities) => {
    const [webhooks, conversion] = injected(authorities);
    const step = planRotation(facts({}, { targets: [webhooks!, { ...conversion!, authorities: ['old'] }] }));
    expect(step).toEqual({ type: 'inject', targets: ['webhooks'] });
  });

  test('the order of the bundle does not matter', () => {
    const rotating = facts(
      { authorities: both, signer: 'new' },
      { targets: injected(['old', 'new'], now - settleTime) },
    );
    expect(planRotation(rotating)).toMatchObject({ type: 'issueServing' });
  });
});

describe('a certificate near its end, by an authority that is not', () => {
  test.each([
    [90 * day, 'issueServing'],
    [90 * day + 1, 'wait'],
  ])('with %i ms left: %s', (left, type) => {
    expect(planRotation(facts({ serving: serving('old', { notAfter: now + left }) }))).toMatchObject({ type });
  });
});

describe('an authority near its end', () => {
  const ending = authority('old', { notAfter: now + validity.renewedBefore });

  test('gets a successor beside it', () => {
    expect(planRotation(facts({ authorities: [ending] }))).toMatchObject({ type: 'addAuthority', keep: ['old'] });
  });

  test('so does one whose key is lost', () => {
    expect(planRotation(facts({ signer: undefined }))).toMatchObject({ type: 'addAuthority', keep: ['old'] });
  });

  test('the targets get both', () => {
    const step = planRotation(facts({ authorities: both, signer: 'new' }, { targets: injected(['old']) }));
    expect(step).toEqual({ type: 'inject', targets: ['webhooks', 'conversion'] });
  });

  test('the successor signs when the last target has had both for the settle time', () => {
    const at = (since: number) => {
      const [webhooks, conversion] = injected(['new', 'old'], now - since);
      const targets = [{ ...webhooks!, injectedAt: now - day }, conversion!];
      return planRotation(facts({ authorities: both, signer: 'new' }, { targets }));
    };
    expect(at(settleTime - 1)).toEqual({ type: 'wait', until: now + 1, reason: 'spreading' });
    expect(at(settleTime)).toMatchObject({ type: 'issueServing' });
  });

  test.each([
    ['do not say since when', undefined],
    ['name a time to come', now + hour + 1],
  ])('targets that %s are written again', (_, at) => {
    const targets = injected(['new', 'old']).map((target) => ({ ...target, injectedAt: at }));
    const step = planRotation(facts({ authorities: both, signer: 'new' }, { targets }));
    expect(step).toEqual({ type: 'inject', targets: ['webhooks', 'conversion'] });
  });

  test('it goes when the certificate of the successor has been there for the settle time', () => {
    const at = (since: number) =>
      planRotation(
        facts({ authorities: both, signer: 'new', serving: serving('new', { notBefore: now - hour - since }) }),
      );
    expect(at(settleTime - 1)).toEqual({ type: 'wait', until: now + 1, reason: 'spreading' });
    expect(at(settleTime)).toEqual({ type: 'dropAuthorities', keep: 'new' });
  });

  test('its successor signs at once if the certificate ends meanwhile', () => {
    const ended = facts({ authorities: both, signer: 'new', serving: serving('old', { notAfter: now }) });
    expect(planRotation(ended)).toMatchObject({ type: 'issueServing' });
  });
});

test.each([
  [empty, hour, 'replaceAll'],
  [empty, hour + 1, 'wait'],
])('a clock behind the API server issues nothing (%#)', (secret, behind, type) => {
  const step = planRotation(facts(secret, { latestStamp: now + behind }));
  expect(step.type).toBe(type);
  if (type === 'wait') expect(step).toEqual({ type: 'wait', until: now + seconds(60), reason: 'clock' });
});
