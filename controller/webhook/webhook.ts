import {
  admit,
  type AdmissionDecision,
  type AdmissionRequest,
  type AdmissionSettings,
  type LiveObjects,
} from '../../src/domain/admission/admission.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import type { Log } from '../../src/lib/log.ts';
import type { HttpHandlers } from '../../src/observe/http/request-listener.ts';
import { answerAdmission } from './admission.ts';
import { answerConversion } from './conversion.ts';
import { readConfigurationObjects } from './live-objects.ts';

export type WebhookOptions = AdmissionSettings & {
  readonly api: Api;
  readonly log: Log;
  /** What was watched so far: nodes, namespaces and services, and the rest for when the API server does not answer. */
  readonly watched: () => LiveObjects;
};

/** Where kube-apiserver asks about which kind: the paths of MetalLB, so that its configuration fits ours. */
const paths = {
  '/validate-metallb-io-v1beta1-ipaddresspool': 'IPAddressPool',
  '/validate-metallb-io-v1beta1-l2advertisement': 'L2Advertisement',
  '/validate-metallb-io-v1beta1-bgpadvertisement': 'BGPAdvertisement',
  '/validate-metallb-io-v1beta2-bgppeer': 'BGPPeer',
  '/validate-metallb-io-v1beta1-bfdprofile': 'BFDProfile',
  '/validate-metallb-io-v1beta1-community': 'Community',
} as const satisfies Record<string, AdmissionRequest['kind']>;

/**
 * What is answered by POST: reviews of objects to be, and conversions. Any replica can answer, leader or not; what goes
 * wrong inside is the server's to tell, with status 500.
 */
export const createWebhook = ({ api, log, watched, ...settings }: WebhookOptions): HttpHandlers => {
  const judge = async (request: AdmissionRequest): Promise<AdmissionDecision> => {
    const objects = await readConfigurationObjects({ api, log, namespace: settings.metallbNamespace, watched });
    const decision = admit(request, { ...watched(), ...objects }, settings);
    const { operation, kind, namespace, name } = request;
    if (!decision.allowed) {
      log.info('refused an object', { operation, kind, object: `${namespace}/${name}`, why: decision.message });
    }
    return decision;
  };
  const reviews = Object.entries(paths).map(([path, kind]): [string, HttpHandlers[string]] => [
    path,
    (request) => answerAdmission(request, kind, judge),
  ]);
  return { ...Object.fromEntries(reviews), '/convert': answerConversion };
};
