import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findImage } from './images.ts';

const repo = join(import.meta.dirname, '../../..');

test('an image that is not here is refused with the names of those that are', async () => {
  const image = await findImage('quay.io/metallb/speaker:v0.15.2', repo);
  expect(image.ok ? '' : image.error).toMatch(/"quay.io\/metallb\/speaker".*metallb-ts\/speaker.*nginx/);
});

test('an image is the same under all names that Docker Hub gives it', async () => {
  const [short, long] = [await findImage('nginx', repo), await findImage('docker.io/library/nginx:1.27', repo)];
  expect(short.ok).toBe(true);
  expect(long).toEqual(short);
});

test('our image says so when it has not been built', async () => {
  const image = await findImage('metallb-ts/speaker:dev', '/nowhere');
  expect(image).toEqual({ ok: false, error: '/nowhere/Dockerfile.speaker does not exist: run "npm run build" first' });
});
