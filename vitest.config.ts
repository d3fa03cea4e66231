import { defineConfig } from 'vitest/config';

const minutes = 60_000;

/** What needs a LAN or a cluster runs file after file: the figures of one would spoil the other's. */
const oneByOne = { fileParallelism: false, testTimeout: 5 * minutes };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'check',
          include: ['test/check/**/*.test.ts'],
          testTimeout: 2 * minutes,
          hookTimeout: 2 * minutes,
        },
      },
      {
        test: {
          name: 'unit',
          include: ['{src,controller,speaker,manifests,bench,test/support}/**/*.test.ts'],
          // Files share a process: twice as fast, and nothing here keeps state in a module.
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 2 * minutes } },
      { test: { name: 'lan', include: ['test/lan/**/*.test.ts'], hookTimeout: 10 * minutes, ...oneByOne } },
      // The first run may have to build Kubernetes from source.
      {
        test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'], hookTimeout: 60 * minutes, ...oneByOne },
      },
      { test: { name: 'images', include: ['test/images/**/*.test.ts'], hookTimeout: 10 * minutes, ...oneByOne } },
    ],
  },
});
