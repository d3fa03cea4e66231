import type { Container, Pod, PodSpec } from './types.ts';

/** A container with the least it needs. */
export const containerOf = (fields: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'busybox',
  ...fields,
});

/** A pod of one container with the least it needs, for tests. */
export const podOf = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', ...metadata },
  spec: { containers: [containerOf()], ...spec },
});
