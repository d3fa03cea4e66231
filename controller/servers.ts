import type { Api } from '../src/k8s/client/api.ts';
import { createMetricsAccess } from '../src/k8s/metrics-access.ts';
import type { BgpType } from '../src/lib/bgp-type.ts';
import type { Log } from '../src/lib/log.ts';
import type { Clock, WallTime } from '../src/lib/time.ts';
import { healthRoutes, serveHttp } from '../src/observe/http/http-server.ts';
import { serveHttps } from '../src/observe/http/https-server.ts';
import { serveMetrics } from '../src/observe/http/metrics-server.ts';
import { selfSignedCertificate } from '../src/observe/x509/self-signed.ts';
import { parseTlsOptions } from '../src/observe/http/tls-options.ts';
import type { Certificates } from './certificates/certificates.ts';
import type { Controller } from './controller.ts';
import type { Options } from './options.ts';
import type { RivalWatch } from './rival.ts';
import { createWebhook } from './webhook/webhook.ts';

export type ServersPorts = {
  /** For what a caller waits for: must not wait behind a burst of status writes. */
  readonly api: Api;
  readonly clock: Clock;
  readonly wallTime: () => WallTime;
  readonly log: Log;
  readonly controller: Pick<Controller, 'isReady' | 'liveObjects' | 'metricsRoutes'>;
  /** Undefined: no webhooks are served. */
  readonly certificates: Pick<Certificates, 'isReady' | 'serving'> | undefined;
  readonly rivals: Pick<RivalWatch, 'rivals'>;
};

export type ServersOptions = {
  /** From the command line. */
  readonly options: Options;
  readonly metallbNamespace: string;
  /** Our pod, for which a certificate for the metrics is made if none is given. */
  readonly podName: string;
  readonly bgpType: BgpType;
};

/** What this program serves. */
export type Servers = {
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>;
};

/** Opens the servers of metrics, health and webhooks, as far as they are wanted. Rejects if one cannot be opened. */
export const openServers = async (
  { api, clock, wallTime, log, controller, certificates, rivals }: ServersPorts,
  { options, metallbNamespace, podName, bgpType }: ServersOptions,
): Promise<Servers> => {
  const tls = parseTlsOptions(options);
  if (!tls.ok) throw new Error(tls.error);
  const servers = await Promise.all([
    serveMetrics({
      host: undefined,
      port: options.port,
      routes: controller.metricsRoutes,
      tls: tls.value,
      certDir: options['metrics-cert-dir'],
      selfSigned: async () => selfSignedCertificate({ commonName: podName, now: wallTime() }),
      access: createMetricsAccess({ api, clock, log }),
      log,
    }),
    serveHttp({
      host: undefined,
      port: options['health-probe-port'],
      routes: healthRoutes(() => whyNotReady({ controller, certificates, rivals })),
      onError: (error) => log.error('request failed', { error }),
    }),
    certificates &&
      serveHttps({
        host: undefined,
        port: options['webhook-port'],
        routes: createWebhook({
          api,
          log,
          metallbNamespace,
          bgpType,
          reassignOnPoolChange: options['reassign-on-pool-change'],
          watched: controller.liveObjects,
        }),
        method: 'POST',
        tls: tls.value,
        http2: options['webhook-http2'],
        certificate: certificates.serving,
        log,
      }),
  ]);
  return {
    close: async () => {
      await Promise.all(servers.map(async (server) => server?.close()));
    },
  };
};

/**
 * The reason in a few words; undefined if this replica is ready. Stored peers of an old version cannot be read without our
 * webhook, so its readiness does not wait for them.
 */
const whyNotReady = ({
  controller,
  certificates,
  rivals,
}: Pick<ServersPorts, 'controller' | 'certificates' | 'rivals'>): string | undefined => {
  // While one of the original MetalLB runs we write nothing, so also no certificate, and must not hold up a rollout.
  if (rivals.rivals().length > 0) return undefined;
  if (certificates !== undefined) return certificates.isReady() ? undefined : 'the webhook has no certificate yet';
  return controller.isReady() ? undefined : 'the cluster has not been read yet';
};
