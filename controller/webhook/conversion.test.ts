import { expect, test } from 'vitest';
import type { HttpAnswer } from '../../src/observe/http/request-listener.ts';
import { answerConversion } from './conversion.ts';

const convert = (request: unknown, apiVersion = 'apiextensions.k8s.io/v1'): HttpAnswer =>
  answerConversion({
    method: 'POST',
    path: '/convert',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ apiVersion, kind: 'ConversionReview', request })),
  });

const peer = (name: string, apiVersion: string): object => ({
  apiVersion,
  kind: 'BGPPeer',
  metadata: { name, namespace: 'metallb-system', uid: `uid-${name}` },
  spec: { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' },
});

const old = 'metallb.io/v1beta1';
const current = 'metallb.io/v1beta2';

const responseOf = ({ status, body }: HttpAnswer): unknown => {
  expect(status).toBe(200);
  return (JSON.parse(body) as { readonly response: unknown }).response;
};

test.each(['apiextensions.k8s.io/v1', 'apiextensions.k8s.io/v1beta1'])(
  'several objects are converted in their order, asked for in %s',
  (apiVersion) => {
    const objects = [peer('a', old), peer('b', current), peer('c', old)];
    const answer = convert({ uid: 'u', desiredAPIVersion: current, objects }, apiVersion);
    expect(JSON.parse(answer.body)).toEqual({
      apiVersion,
      kind: 'ConversionReview',
      response: {
        uid: 'u',
        convertedObjects: ['a', 'b', 'c'].map((name) => peer(name, current)),
        result: { status: 'Success' },
      },
    });
  },
);

test('no objects are converted to none', () => {
  expect(responseOf(convert({ uid: 'u', desiredAPIVersion: old, objects: [] }))).toEqual({
    uid: 'u',
    convertedObjects: [],
    result: { status: 'Success' },
  });
});

test.each([
  ['names the object that cannot be converted', { objects: [peer('a', old), peer('b', 'metallb.io/v9')] }, 'system/b'],
  ['says that a version is unknown', { desiredAPIVersion: 'metallb.io/v9', objects: [peer('a', old)] }, 'v9'],
  ['says that a version is missing', { desiredAPIVersion: 3 }, 'desiredAPIVersion'],
  ['says that objects are missing', { objects: undefined }, 'no objects'],
  ['refuses what is no object', { objects: [null] }, 'must be an object'],
])('a failure %s', (_, request, part) => {
  expect(responseOf(convert({ uid: 'u', desiredAPIVersion: current, objects: [], ...request }))).toEqual({
    uid: 'u',
    convertedObjects: [],
    result: { status: 'Failure', message: expect.stringContaining(part) },
  });
});

test('a review of another version is refused', () => {
  expect(convert({ uid: 'u', desiredAPIVersion: current, objects: [] }, 'apiextensions.k8s.io/v2').status).toBe(400);
});
