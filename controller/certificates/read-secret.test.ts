import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';
import { issueAuthority, issueBoth } from './issue.ts';
import { noContent, readAuthorities, readSecret, type SecretContent } from './read-secret.ts';

const hostname = 'hook.metallb-system.svc';
const signal = new AbortController().signal;
const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3_600_000;

let authority: CertificatePair;
let serving: CertificatePair;
let other: CertificatePair;
let good: SecretContent;
beforeAll(async () => {
  ({ authority, serving } = await issueBoth({ hostname, now, signal }));
  other = await issueAuthority(now, signal);
  good = { 'ca.crt': authority.cert, 'ca.key': authority.key, 'tls.crt': serving.cert, 'tls.key': serving.key };
});

const idOf = ({ cert }: CertificatePair): string => readAuthorities(cert)[0]!.id;
const factsOf = (more: Partial<SecretContent>, name = hostname) => readSecret({ ...good, ...more }, name).facts;

test('what we have issued ourselves is good', () => {
  const { facts, serving: pair } = readSecret(good, hostname);
  const id = idOf(authority);
  expect(facts).toEqual({
    authorities: [{ id, notBefore: now - hour, notAfter: now + 3650 * 24 * hour }],
    signer: id,
    serving: { notBefore: now - hour, notAfter: now + 365 * 24 * hour, isForService: true, signedBy: id },
  });
  expect(pair).toEqual(serving);
});

test('an empty Secret has nothing', () => {
  expect(readSecret(noContent, hostname)).toEqual({
    facts: { authorities: [], signer: undefined, serving: undefined },
    authorities: [],
    serving: undefined,
  });
});

test('of a bundle each authority counts, wherever it stands, and what lies between does not', () => {
  const bundle = `# the old one\n${other.cert}\ngarbage ${serving.cert} ${authority.cert}`;
  const facts = factsOf({ 'ca.crt': bundle });
  expect(facts.authorities.map(({ id }) => id)).toEqual([idOf(other), idOf(authority)]);
  expect(facts).toMatchObject({ signer: idOf(authority), serving: { signedBy: idOf(authority) } });
});

test('a bundle without end is cut off', () => {
  expect(readAuthorities(authority.cert.repeat(1000))).toHaveLength(16);
});

describe('no authority can sign', () => {
  const keyOf = (type: 'ed25519' | 'rsa'): string =>
    (type === 'rsa' ? generateKeyPairSync(type, { modulusLength: 2048 }) : generateKeyPairSync(type)).privateKey.export(
      {
        type: 'pkcs8',
        format: 'pem',
      },
    );
  test.each([
    ['without its key', () => ''],
    ['with garbage', () => 'garbage'],
    ['with the key of another', () => other.key],
    ['with a key of another kind', () => keyOf('ed25519')],
    ['with a foreign key', () => keyOf('rsa')],
  ])('%s', (_, key) => {
    expect(factsOf({ 'ca.key': key() })).toMatchObject({ signer: undefined, serving: { signedBy: idOf(authority) } });
  });
});

describe('a certificate', () => {
  test.each([
    ['without its key', { 'tls.key': '' }],
    ['with garbage for its key', { 'tls.key': 'garbage' }],
    ['that is garbage', { 'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
  ])('%s is none', (_, change) => {
    expect(readSecret({ ...good, ...change }, hostname)).toMatchObject({
      facts: { serving: undefined, signer: idOf(authority) },
      serving: undefined,
    });
  });

  test('with the key of another is none', () => {
    expect(factsOf({ 'tls.key': other.key }).serving).toBeUndefined();
  });

  test('that another authority of the same name has signed is signed by none of the bundle', () => {
    expect(factsOf({ 'ca.crt': other.cert }).serving).toMatchObject({ signedBy: undefined });
  });

  test('is for the names that it says', () => {
    expect(factsOf({}, 'other.metallb-system.svc').serving).toMatchObject({ isForService: false });
    expect(factsOf({}, `${hostname}.cluster.local`).serving).toMatchObject({ isForService: true });
  });
});
