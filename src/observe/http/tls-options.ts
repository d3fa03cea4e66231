import { err, ok, type Result } from '../../lib/result.ts';

/** What the `--tls-*` flags say, as they stand on the command line; empty where not given. */
export type TlsFlags = {
  readonly 'tls-min-version': string;
  readonly 'tls-cipher-suites': string;
  readonly 'tls-curve-preferences': string;
};

/** The same in the words of `tls.SecureContextOptions`. */
export type TlsSettings = {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names, best first; absent: OpenSSL's own choice. */
  readonly ciphers?: string;
  /** OpenSSL names of groups, best first; absent: OpenSSL's own choice. */
  readonly ecdhCurve?: string;
};

const versions: Readonly<Record<string, TlsSettings['minVersion']>> = {
  '': 'TLSv1.3',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** The suites of TLS 1.3. They are always offered: OpenSSL would turn that version off if the list had none. */
const tls13Suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/**
 * OpenSSL's names of the suites of TLS 1.2 that Go knows as well, by the names of IANA and Go
 * (https://www.iana.org/assignments/tls-parameters). RC4 and 3DES are missing: OpenSSL no longer has them.
 */
const tls12Suites: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
};

/** OpenSSL's names of groups by their numbers (https://www.iana.org/assignments/tls-parameters, "Supported Groups"). */
const groups: Readonly<Record<number, string>> = {
  23: 'prime256v1',
  24: 'secp384r1',
  25: 'secp521r1',
  29: 'X25519',
  30: 'X448',
  4587: 'SecP256r1MLKEM768',
  4588: 'X25519MLKEM768',
  4589: 'SecP384r1MLKEM1024',
};

const largestGroup = 65_535;

/** Reads the flags; the error names the one that is wrong. */
export const parseTlsOptions = (flags: TlsFlags): Result<TlsSettings> => {
  const minVersion = parseVersion(flags['tls-min-version']);
  if (!minVersion.ok) return wrong('tls-min-version', minVersion.error);
  const ciphers = parseCiphers(flags['tls-cipher-suites']);
  if (!ciphers.ok) return wrong('tls-cipher-suites', ciphers.error);
  if (ciphers.value !== undefined && minVersion.value === 'TLSv1.3') {
    return wrong('tls-cipher-suites', 'cipher suites cannot be configured with TLS 1.3');
  }
  const ecdhCurve = parseGroups(flags['tls-curve-preferences']);
  if (!ecdhCurve.ok) return wrong('tls-curve-preferences', ecdhCurve.error);
  return ok({
    minVersion: minVersion.value,
    ...(ciphers.value !== undefined && { ciphers: ciphers.value }),
    ...(ecdhCurve.value !== undefined && { ecdhCurve: ecdhCurve.value }),
  });
};

const wrong = (flag: keyof TlsFlags, error: string): Result<never> => err(`invalid value for flag -${flag}: ${error}`);

const parseVersion = (text: string): Result<TlsSettings['minVersion']> => {
  const version = Object.hasOwn(versions, text) ? versions[text] : undefined;
  return version === undefined ? err(`${JSON.stringify(text)} must be one of VersionTLS12, VersionTLS13`) : ok(version);
};

const parseCiphers = (text: string): Result<string | undefined> => {
  if (text === '') return ok(undefined);
  const names = new Set(tls13Suites);
  for (const suite of splitList(text)) {
    if (tls13Suites.includes(suite)) continue;
    const name = Object.hasOwn(tls12Suites, suite) ? tls12Suites[suite] : undefined;
    if (name === undefined) return err(`cipher suite ${JSON.stringify(suite)} is unknown or not supported`);
    names.add(name);
  }
  return ok([...names].join(':'));
};

const parseGroups = (text: string): Result<string | undefined> => {
  if (text === '') return ok(undefined);
  const names = new Set<string>();
  for (const entry of splitList(text)) {
    const id = Number(entry);
    if (!/^\d+$/.test(entry) || id < 1 || id > largestGroup) {
      return err(`curve preference ${JSON.stringify(entry)} must be a number from 1 to ${largestGroup}`);
    }
    const name = groups[id];
    if (name === undefined) return err(`curve preference ${id} is not supported`);
    if (names.has(name)) return err(`duplicate curve preference ${id}`);
    names.add(name);
  }
  return ok([...names].join(':'));
};

const splitList = (text: string): readonly string[] => text.split(',').map((entry) => entry.trim());
