import { expect, test } from 'vitest';
import { podOf } from './fixtures.ts';
import type { ConfigMap, Pod, Secret, Volume } from './types.ts';
import { tokenOwner, volumePayload, volumeReferences } from './volume-payload.ts';

const metadata = { name: 'm', namespace: 'shop', uid: 'm1' };
const secret: Secret = { metadata, data: { secretkey: Buffer.from('abc').toString('base64') } };
const configMap: ConfigMap = { metadata, data: { 'a.yaml': 'x: 1' }, binaryData: { bin: 'AAE=' } };

const payloadOf = (volume: Omit<Volume, 'name'>, pod: Pod = podOf()) => {
  const result = volumePayload(
    { name: 'v', ...volume },
    {
      pod,
      addresses: { nodeName: 'n1', hostIps: [], podIps: ['10.244.1.2'] },
      secret: (name) => (name === 'memberlist' ? secret : undefined),
      configMap: (name) => (name === 'config' ? configMap : undefined),
      token: ({ audience }) => `token for ${audience ?? 'the API server'}`,
    },
  );
  if (!result.ok) return result.error;
  return Object.fromEntries(
    [...result.value].map(([path, { content, mode }]) => [path, [content.toString('latin1'), mode]]),
  );
};

test('a Secret gives one file per key, with the default mode', () => {
  expect(payloadOf({ secret: { secretName: 'memberlist' } })).toEqual({ secretkey: ['abc', 0o644] });
  expect(payloadOf({ secret: { secretName: 'memberlist', defaultMode: 0o400 } })).toEqual({
    secretkey: ['abc', 0o400],
  });
});

test('a ConfigMap gives text and binary files', () =>
  expect(payloadOf({ configMap: { name: 'config' } })).toEqual({
    'a.yaml': ['x: 1', 0o644],
    bin: ['\0\u0001', 0o644],
  }));

test('items pick keys and name their files', () =>
  expect(
    payloadOf({ configMap: { name: 'config', items: [{ key: 'a.yaml', path: 'sub/b.yaml', mode: 0o600 }] } }),
  ).toEqual({ 'sub/b.yaml': ['x: 1', 0o600] }));

test.each<[Omit<Volume, 'name'>, string]>([
  [{ secret: { secretName: 'none' } }, 'secret "none" not found'],
  [{ configMap: { name: 'none' } }, 'configmap "none" not found'],
  [{ configMap: { name: 'config', items: [{ key: 'none', path: 'x' }] } }, 'references non-existent config key: none'],
])('what is missing is named', (volume, error) => expect(payloadOf(volume)).toBe(error));

test('an optional source that is missing is an empty volume', () =>
  expect(payloadOf({ secret: { secretName: 'none', optional: true } })).toEqual({}));

test('the access to the API server that every pod gets', () => {
  const volume: Omit<Volume, 'name'> = {
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
        { configMap: { name: 'config', items: [{ key: 'a.yaml', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
  const rest = { 'ca.crt': ['x: 1', 0o644], namespace: ['shop', 0o644] };
  expect(payloadOf(volume)).toEqual({ token: ['token for the API server', 0o644], ...rest });
  const oneUser = podOf({ securityContext: { runAsUser: 65534 } });
  expect(payloadOf(volume, oneUser)).toEqual({ token: ['token for the API server', 0o600], ...rest });
  expect(tokenOwner(oneUser)).toBe(65534);
  expect(volumeReferences({ name: 'v', ...volume })).toMatchObject({ secrets: [], configMaps: ['config'] });
});
