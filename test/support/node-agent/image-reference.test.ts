import { expect, test } from 'vitest';
import { parseImageReference } from './image-reference.ts';

test.each([
  ['nginx', 'nginx', 'latest'],
  ['nginx:1.27', 'nginx', '1.27'],
  ['docker.io/library/nginx:1.27', 'nginx', '1.27'],
  ['docker.io/nginx', 'nginx', 'latest'],
  ['index.docker.io/hashicorp/http-echo', 'hashicorp/http-echo', 'latest'],
  ['library/nginx', 'nginx', 'latest'],
  ['quay.io/metallb/speaker:v0.15', 'quay.io/metallb/speaker', 'v0.15'],
  ['localhost:5000/nginx', 'localhost:5000/nginx', 'latest'],
  ['localhost:5000/a/b:2', 'localhost:5000/a/b', '2'],
])('%s', (image, repository, tag) => expect(parseImageReference(image)).toEqual({ repository, tag }));

test('a digest is kept apart from the tag', () =>
  expect(parseImageReference('nginx:1@sha256:abc')).toEqual({ repository: 'nginx', tag: '1', digest: 'sha256:abc' }));
