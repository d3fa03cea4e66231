import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { parseTlsOptions, type TlsSettings } from './tls-options.ts';

const parse = (version = '', suites = '', curves = '') =>
  parseTlsOptions({ 'tls-min-version': version, 'tls-cipher-suites': suites, 'tls-curve-preferences': curves });

const settings = (...flags: Parameters<typeof parse>): TlsSettings => {
  const parsed = parse(...flags);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

const tls13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

test('without flags TLS 1.3 is the least', () => {
  expect(settings()).toEqual({ minVersion: 'TLSv1.3' });
  expect(settings('VersionTLS13')).toEqual({ minVersion: 'TLSv1.3' });
  expect(settings('VersionTLS12')).toEqual({ minVersion: 'TLSv1.2' });
});

test('suites are named as OpenSSL does, in their order; those of TLS 1.3 are always there', () => {
  const suites =
    'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256';
  expect(settings('VersionTLS12', suites)).toEqual({
    minVersion: 'TLSv1.2',
    ciphers: `${tls13}:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256`,
  });
});

test('curves are named as OpenSSL does, in their order', () => {
  expect(settings('', '', '4588, 29,23,24,25')).toEqual({
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1:secp521r1',
  });
});

test('OpenSSL takes every suite and every curve that we take', () => {
  const ofGo = ['ECDHE_ECDSA', 'ECDHE_RSA'].flatMap((exchange) =>
    ['AES_128_CBC_SHA', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA256', 'AES_128_GCM_SHA256', 'AES_256_GCM_SHA384']
      .concat('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
      .map((cipher) => `TLS_${exchange}_WITH_${cipher}`),
  );
  const plainRsa = ['AES_128_CBC_SHA', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA256', 'AES_128_GCM_SHA256'];
  const suites = [...ofGo, ...plainRsa.map((cipher) => `TLS_RSA_WITH_${cipher}`), 'TLS_RSA_WITH_AES_256_GCM_SHA384'];
  for (const suite of suites) {
    const { ciphers = '', ...rest } = settings('VersionTLS12', suite);
    // Alone, since OpenSSL passes over names that it does not know as long as one is left.
    expect(() => createSecureContext({ ...rest, ciphers: ciphers.slice(tls13.length + 1) }), suite).not.toThrow();
  }
  for (const curve of ['23', '24', '25', '29', '30', '4587', '4588', '4589']) {
    expect(() => createSecureContext(settings('', '', curve)), curve).not.toThrow();
  }
});

test.each([
  ['tls-min-version', ['VersionTLS11'], '"VersionTLS11" must be one of VersionTLS12, VersionTLS13'],
  ['tls-min-version', ['toString'], '"toString" must be one of VersionTLS12, VersionTLS13'],
  ['tls-cipher-suites', ['VersionTLS12', 'AES128-SHA'], 'cipher suite "AES128-SHA" is unknown or not supported'],
  ['tls-cipher-suites', ['VersionTLS12', 'TLS_RSA_WITH_RC4_128_SHA'], 'is unknown or not supported'],
  ['tls-cipher-suites', ['VersionTLS12', 'constructor'], 'is unknown or not supported'],
  ['tls-cipher-suites', ['VersionTLS12', ','], 'cipher suite "" is unknown or not supported'],
  ['tls-cipher-suites', ['', 'TLS_AES_128_GCM_SHA256'], 'cipher suites cannot be configured with TLS 1.3'],
  ['tls-curve-preferences', ['', '', '0'], 'curve preference "0" must be a number from 1 to 65535'],
  ['tls-curve-preferences', ['', '', '65536'], 'curve preference "65536" must be a number from 1 to 65535'],
  ['tls-curve-preferences', ['', '', 'X25519'], 'curve preference "X25519" must be a number from 1 to 65535'],
  ['tls-curve-preferences', ['', '', '29,'], 'curve preference "" must be a number from 1 to 65535'],
  ['tls-curve-preferences', ['', '', '29,23,29'], 'duplicate curve preference 29'],
  ['tls-curve-preferences', ['', '', '26'], 'curve preference 26 is not supported'],
] as const)('the error names %s (%j)', (flag, flags, message) => {
  const parsed = parse(...flags);
  expect(parsed).toEqual({ ok: false, error: expect.stringContaining(`invalid value for flag -${flag}: `) });
  expect(parsed).toEqual({ ok: false, error: expect.stringContaining(message) });
});
