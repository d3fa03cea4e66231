import { expect, test } from 'vitest';
import { releaseLimit } from '../src/k8s/leadership/leader-election.ts';
import { seconds } from '../src/lib/time.ts';
import { endLimits } from './ending.ts';

test('beside an API server that does not answer the program still ends in time, with a second to spare', () => {
  const { writes, events, all } = endLimits;
  expect(writes + events + releaseLimit + seconds(1)).toBeLessThanOrEqual(all);
});
