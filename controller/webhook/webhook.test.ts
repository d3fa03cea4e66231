import { afterEach, beforeAll, expect, test } from 'vitest';
import { loopbackCertificate } from '../../test/support/certificate.ts';
import { askHttps, type HttpsQuestion, type HttpsReply } from '../../test/support/https-client.ts';
import type { LiveObjects } from '../../src/domain/admission/admission.ts';
import { type Api, type ApiRequest, ApiUnreachable } from '../../src/k8s/client/api.ts';
import { projectCustomResource } from '../../src/k8s/custom-resource.ts';
import { type CertificatePair, serveHttps } from '../../src/observe/http/https-server.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { createWebhook } from './webhook.ts';

const namespace = 'metallb-system';
const poolPath = '/validate-metallb-io-v1beta1-ipaddresspool';
const profilePath = '/validate-metallb-io-v1beta1-bfdprofile';

let certificate: CertificatePair;
beforeAll(async () => {
  certificate = await loopbackCertificate();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const nothing: LiveObjects = {
  pools: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  bgpPeers: [],
  bfdProfiles: [],
  communities: [],
  legacy: undefined,
  namespaces: [],
  nodes: [],
  services: [],
};

/** A webhook behind real TLS. The API server has `stored`, by plural; a plural of `unread` cannot be read. */
const rig = async (stored: Readonly<Record<string, readonly object[]>> = {}, unread: readonly string[] = []) => {
  const calls: ApiRequest[] = [];
  const told: { readonly message: string; readonly fields: unknown }[] = [];
  let watched: () => LiveObjects = () => nothing;
  const tell = (message: string, fields: unknown): void => void told.push({ message, fields });
  const log = { ...silentLog, warn: tell, error: tell };
  const api: Api = {
    request: (call) => {
      calls.push(call);
      const plural = call.path.split('/').at(-1) ?? '';
      return unread.includes(plural)
        ? Promise.reject(new ApiUnreachable('GET: no answer within 2 s', undefined))
        : Promise.resolve({ items: stored[plural] ?? [] });
    },
    stream: () => Promise.reject(new Error('not used')),
    close: () => {},
  };
  const routes = createWebhook({
    api,
    log,
    metallbNamespace: namespace,
    bgpType: 'native',
    watched: () => watched(),
  });
  const server = await serveHttps({
    host: '127.0.0.1',
    port: 'any',
    routes,
    method: 'POST',
    tls: { minVersion: 'TLSv1.3' },
    certificate: { current: () => certificate, onChange: () => {} },
    log,
  });
  cleanups.push(() => server?.close());
  const ask = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpsReply> => {
    const question: HttpsQuestion = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    };
    return askHttps(server!.port, path, certificate.cert, question);
  };
  const watch = (read: () => LiveObjects): void => {
    watched = read;
  };
  return { ask, calls, told, watch };
};

type Fields = Readonly<Record<string, unknown>>;

const review = (kind: string, request: Fields): object => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'review-1',
    kind: { group: 'metallb.io', version: 'v1beta1', kind },
    operation: 'CREATE',
    namespace,
    name: 'a',
    object: null,
    oldObject: null,
    ...request,
  },
});

const resource = (kind: string, spec: object, metadata: object = {}): object => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  metadata: { name: 'a', namespace, ...metadata },
  spec,
});

const goodPool = resource('IPAddressPool', { addresses: ['192.0.2.0/24'] });

const responseOf = ({ status, headers, body }: HttpsReply): Fields => {
  expect([status, headers['content-type']]).toEqual([200, 'application/json']);
  const { response, ...envelope } = JSON.parse(body) as { readonly response: Fields };
  expect(envelope).toEqual({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  return response;
};

test('a good object is let pass, after a look at all that is configured', async () => {
  const { ask, calls } = await rig();
  const reply = await ask(poolPath, review('IPAddressPool', { object: goodPool }));
  expect(responseOf(reply)).toEqual({ uid: 'review-1', allowed: true });
  expect(calls.map(({ path, deadline }) => [path, deadline])).toEqual(
    [
      'v1beta1/namespaces/metallb-system/ipaddresspools',
      'v1beta1/namespaces/metallb-system/l2advertisements',
      'v1beta1/namespaces/metallb-system/bgpadvertisements',
      'v1beta2/namespaces/metallb-system/bgppeers',
      'v1beta1/namespaces/metallb-system/bfdprofiles',
      'v1beta1/namespaces/metallb-system/communities',
    ].map((path) => [`/apis/metallb.io/${path}`, 2000]),
  );
});

test.each([
  [poolPath, 'IPAddressPool', { addresses: ['192.0.2.0/24'] }],
  ['/validate-metallb-io-v1beta1-l2advertisement', 'L2Advertisement', {}],
  ['/validate-metallb-io-v1beta1-bgpadvertisement', 'BGPAdvertisement', {}],
  ['/validate-metallb-io-v1beta2-bgppeer', 'BGPPeer', { myASN: 64512, peerASN: 64512, peerAddress: '192.0.2.1' }],
  [profilePath, 'BFDProfile', {}],
  ['/validate-metallb-io-v1beta1-community', 'Community', {}],
])('%s refuses a %s of another namespace, in one sentence', async (path, kind, spec) => {
  const { ask } = await rig();
  const object = resource(kind, spec, { namespace: 'default' });
  const reply = await ask(path, review(kind, { object, namespace: 'default' }));
  expect(responseOf(reply)).toEqual({
    uid: 'review-1',
    allowed: false,
    status: {
      status: 'Failure',
      message: 'resource must be created in metallb-system namespace',
      reason: 'Forbidden',
      code: 403,
    },
  });
});

const peer = { metadata: { name: 'p', namespace }, spec: { bfdProfile: 'a' } };
const inUse = { allowed: false, status: { message: 'failed to delete BFDProfile a, used by BGPPeer p' } };
const deletion = review('BFDProfile', { operation: 'DELETE', oldObject: resource('BFDProfile', {}) });

test('a deletion is judged by what the API server has', async () => {
  const { ask, watch } = await rig({ bgppeers: [peer] });
  watch(() => nothing);
  expect(responseOf(await ask(profilePath, deletion))).toMatchObject(inUse);
});

test('what the API server does not tell in time is judged by what was watched', async () => {
  const { ask, told, watch } = await rig({ bfdprofiles: [{}, null, 'odd'] as object[] }, ['bgppeers']);
  watch(() => ({ ...nothing, bgpPeers: [projectCustomResource(peer)!] }));
  expect(responseOf(await ask(profilePath, deletion))).toMatchObject(inUse);
  expect(told).toMatchObject([{ fields: { kind: 'BGPPeer', error: { name: 'ApiUnreachable' } } }]);
});

test('while nothing has been read at all, an object is judged alone', async () => {
  const all = ['ipaddresspools', 'l2advertisements', 'bgpadvertisements', 'bgppeers', 'bfdprofiles', 'communities'];
  const { ask } = await rig({}, all);
  expect(responseOf(await ask(profilePath, deletion))).toMatchObject({ allowed: true });
  expect(responseOf(await ask(poolPath, review('IPAddressPool', { object: goodPool })))).toMatchObject({
    allowed: true,
  });
  const bad = resource('IPAddressPool', { addresses: ['192.0.2.0/24'] }, { namespace: 'default' });
  const reply = await ask(poolPath, review('IPAddressPool', { object: bad, namespace: 'default' }));
  expect(responseOf(reply)).toMatchObject({ allowed: false });
});

test('an object without a name yet is judged', async () => {
  const { ask } = await rig();
  const object = resource('IPAddressPool', { addresses: ['192.0.2.0/24'] }, { name: undefined, generateName: 'a-' });
  const reply = await ask(poolPath, review('IPAddressPool', { object, name: '' }));
  expect(responseOf(reply)).toEqual({ uid: 'review-1', allowed: true });
});

const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;

test.each<[string, Fields]>([
  ['no object', {}],
  ['text for an object', { object: 'pool' }],
  ['a list for an object', { object: [goodPool] }],
  ['an object without a name', { object: resource('IPAddressPool', {}, { name: '' }), name: '' }],
  ['an operation of another kind', { operation: 'CONNECT', object: goodPool }],
  ['an operation that is no text', { operation: { toString: 1 }, object: goodPool }],
  ['another kind', { kind: { kind: 'Pod' }, object: goodPool }],
  ['no kind', { kind: null, object: goodPool }],
])('%s is answered with code 400', async (_, request) => {
  const { ask } = await rig();
  const response = responseOf(await ask(poolPath, review('IPAddressPool', request)));
  expect(response).toMatchObject({
    uid: 'review-1',
    allowed: false,
    status: { code: 400, reason: 'BadRequest', message: expect.stringMatching(/^[^\n]{10,200}$/) },
  });
});

test.each([
  ['nothing', '', 400],
  ['half of a review', '{"apiVersion":"admission.k8s.io/v1","kind":', 400],
  ['null', 'null', 400],
  ['a million brackets', deep, 400],
  ['another version', '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}', 400],
  ['another kind of review', '{"apiVersion":"admission.k8s.io/v1","kind":"Status","request":{"uid":"u"}}', 400],
  ['no request', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 400],
  ['a request without uid', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}', 400],
])('%s instead of a review is refused', async (_, body, wanted) => {
  const { ask, told } = await rig();
  expect((await ask(poolPath, body)).status).toBe(wanted);
  expect(told).toEqual([]);
});

test('another content type is refused, one with parameters is not, and no other path is known', async () => {
  const { ask } = await rig();
  const body = review('IPAddressPool', { object: goodPool });
  expect((await ask(poolPath, body, { 'content-type': 'application/x-yaml' })).status).toBe(415);
  expect((await ask(poolPath, body, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
  expect((await ask('/validate-metallb-io-v1beta1-addresspool', body)).status).toBe(404);
});

test('an object with a spec of 3 MiB, or one as deep as JSON gets, is judged', async () => {
  const { ask } = await rig();
  const large = resource('IPAddressPool', { addresses: ['192.0.2.0/24'] }, { annotations: { a: 'x'.repeat(3 << 20) } });
  expect(responseOf(await ask(poolPath, review('IPAddressPool', { object: large })))).toMatchObject({ allowed: true });
  const text = JSON.stringify(review('IPAddressPool', { object: goodPool }));
  const nested = text.replace('"spec":{', `"spec":{"odd":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)},`);
  expect(responseOf(await ask(poolPath, nested))).toMatchObject({ uid: 'review-1' });
});

test('what goes wrong inside is a 500, and is told', async () => {
  const { ask, told, watch } = await rig();
  watch(() => {
    throw new Error('broken');
  });
  const reply = await ask(poolPath, review('IPAddressPool', { object: goodPool }));
  expect(reply.status).toBe(500);
  expect(told).toMatchObject([{ fields: { error: { message: 'broken' } } }]);
});
