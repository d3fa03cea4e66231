import type { Api } from '../../src/k8s/client/api.ts';
import type { Leadership } from '../../src/k8s/leadership/leader-election.ts';
import { resources } from '../../src/k8s/resources.ts';
import { watchObject, type WatchedObject } from '../../src/k8s/watch/watched-object.ts';
import type { Log } from '../../src/lib/log.ts';
import { runTogether } from '../../src/lib/tasks.ts';
import { type Clock, untilAborted, type WallTime } from '../../src/lib/time.ts';
import { changeableCertificate } from '../../src/observe/http/certificate-source.ts';
import type { ServingCertificate } from '../../src/observe/http/https-server.ts';
import { watchCertificateFolder } from './certificate-folder.ts';
import { noContent, readSecret } from './read-secret.ts';
import { createRotationLoop } from './rotation-loop.ts';
import { projectSecret, type SecretView } from './secret-store.ts';
import { type FailurePolicy, targets, trusts } from './targets.ts';

export type CertificatesOptions = {
  /** Its writes are refused while another replica works. */
  readonly api: Api;
  readonly clock: Clock;
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  /** Where the Secret and the Service are. */
  readonly namespace: string;
  /** `--webhook-secret` */
  readonly secretName: string;
  /** `--cert-service-name` */
  readonly serviceName: string;
  /** `--webhook-failure-policy` */
  readonly failurePolicy: FailurePolicy;
  /** Without `--disable-cert-rotation`. */
  readonly manage: boolean;
  /** `--cert-dir`: whose certificate is served if none is managed. */
  readonly folder: string;
};

/** The certificate of the webhooks: both replicas read and serve it, and the leader sees to it that it is a good one. */
export type Certificates = {
  readonly serving: ServingCertificate;
  /** Whether there is a certificate, and the API server has been told everywhere to trust it. */
  readonly isReady: () => boolean;
  /** Runs until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Wires it; nothing happens until `run`. */
export const createCertificates = (options: CertificatesOptions): Certificates =>
  options.manage ? managedCertificates(options) : foreignCertificates(options);

/** Those that we issue, renew and have the API server trust. */
const managedCertificates = (options: CertificatesOptions): Certificates => {
  const { namespace, serviceName } = options;
  const hostname = `${serviceName}.${namespace}.svc`;
  let isSynced = false;
  let signedBy: string | undefined;
  const served = changeableCertificate();
  const secret = watchSecret(options, () => {
    const reading = readSecret(secret.current()?.content ?? noContent, hostname);
    signedBy = reading.facts.serving?.signedBy;
    // What cannot be used is not taken: the leader replaces it, and the last one may still be trusted.
    if (reading.serving !== undefined) served.set(reading.serving);
    loop.touch();
  });
  const watched = targets.map((target) => ({
    target,
    object: watchObject({ ...options, ...target, namespace: undefined, onChange: () => loop.touch() }),
  }));
  const loop = createRotationLoop({ ...options, hostname, secret, targets: watched });

  const isTrusted = (authority: string): boolean =>
    watched.every(({ object }) => {
      const view = object.current();
      return view === undefined || trusts(view, authority);
    });
  const watches = [secret, ...watched.map(({ object }) => object)];
  return {
    serving: served,
    isReady: () => isSynced && signedBy !== undefined && isTrusted(signedBy),
    run: (signal) =>
      runTogether(signal, (inner) => [
        ...watches.map((watch) => watch.run(inner)),
        (async () => {
          await Promise.race([untilAborted(inner), Promise.all(watches.map(({ synced }) => synced))]);
          isSynced = !inner.aborted;
          await loop.run(inner);
        })(),
      ]),
  };
};

/** Those that somebody else puts into a folder or into the Secret, and of whom the API server learns from them as well. */
const foreignCertificates = (options: CertificatesOptions): Certificates => {
  const served = changeableCertificate();
  const choose = (): void => {
    const pair = folder.current() ?? readSecret(secret.current()?.content ?? noContent, '').serving;
    if (pair !== undefined) served.set(pair);
  };
  const folder = watchCertificateFolder({ ...options, onChange: choose });
  const secret = watchSecret(options, choose);
  return {
    serving: served,
    isReady: () => served.current() !== undefined,
    run: (signal) => runTogether(signal, (inner) => [folder.run(inner), secret.run(inner)]),
  };
};

const watchSecret = (options: CertificatesOptions, onChange: () => void): WatchedObject<SecretView> =>
  watchObject({
    ...options,
    resource: resources.secrets,
    name: options.secretName,
    project: projectSecret,
    onChange,
  });
