import { list, object } from '../../lib/json.ts';
import type { CertificatePair } from '../http/https-server.ts';

/** A certificate that is wanted. */
export type CertificateRequest = {
  readonly commonName: string;
  readonly organization?: string;
  /** DNS names of the server; none for an authority. */
  readonly names: readonly string[];
  /** Whether it may sign others, and do nothing else. */
  readonly isAuthority: boolean;
  /** Milliseconds since the Unix epoch, as `notAfter`; certificates know whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** An authority with its key (ECDSA on P-256, or RSA), or the certificate that is issued before this one. */
  readonly signedBy: 'itself' | 'previous' | CertificatePair;
};

/** No certificate could be made: `cause` says why. */
export class IssuingFailed extends Error {
  override readonly name = 'IssuingFailed';

  constructor(cause: unknown) {
    super('no certificate could be made', { cause });
  }
}

/** In the bundle it lies beside the program. */
const program = import.meta.url.endsWith('.ts') ? './issuing-program.ts' : './issuing.js';

/** A Raspberry Pi under load needs a few seconds. */
const timeout = 30_000;

/**
 * Issues certificates, each with a new key, in a process of its own that ends with it: the library for X.509 would stay
 * in memory for good (13 MiB, and 18 in a thread), for something that is done once in a year. Keys go through pipes.
 * Rejects with `IssuingFailed`; the signal ends the process.
 */
export const issueCertificates = async (
  requests: readonly CertificateRequest[],
  signal?: AbortSignal,
): Promise<readonly CertificatePair[]> => {
  try {
    return parseCertificates(await runProgram(JSON.stringify(requests), signal), requests.length);
  } catch (error) {
    throw new IssuingFailed(error);
  }
};

/** Reads what the program wrote. Throws what repeats nothing of it: there are keys in it. */
export const parseCertificates = (output: string, count: number): readonly CertificatePair[] => {
  const pairs = list(parseJson(output)).filter(isPair);
  if (pairs.length !== count) throw new Error(`${pairs.length} certificates instead of ${count}`);
  return pairs;
};

const parseJson = (output: string): unknown => {
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`an answer of ${output.length} characters that is no JSON`);
  }
};

const isPair = (value: unknown): value is CertificatePair => {
  const { cert, key } = object(value);
  return typeof cert === 'string' && typeof key === 'string';
};

const runProgram = async (input: string, signal: AbortSignal | undefined): Promise<string> => {
  const { execFile } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const path = fileURLToPath(new URL(program, import.meta.url));
  // Without our environment: options for our own heap are none of its.
  const child = execFile(process.execPath, [path], { env: {}, timeout, signal }, (error, stdout) => {
    if (error === null) resolve(stdout);
    else reject(error);
  });
  child.stdin?.on('error', () => {}); // it has ended, and its end is told above
  child.stdin?.end(input);
  return promise;
};
