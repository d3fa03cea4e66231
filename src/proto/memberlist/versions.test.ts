import { expect, test } from 'vitest';
import { incompatibility } from './versions.ts';

test('versions agree when each one speaks what all that live understand', () => {
  const node = (name: string, state: string, versions: readonly number[]) => ({
    node: name,
    state,
    versions: versions as unknown as readonly [number, number, number, number, number, number],
  });
  const usual = node('a', 'alive', [1, 5, 2, 0, 0, 0]);
  expect(incompatibility([usual, node('b', 'alive', [2, 4, 3, 0, 0, 0])])).toBeUndefined();
  expect(incompatibility([usual, node('b', 'alive', [3, 5, 3, 0, 0, 0])])).toBe(
    "Node 'a' protocol version (2) is incompatible: [3, 5]",
  );
  expect(incompatibility([usual, node('b', 'dead', [3, 5, 3, 0, 0, 0])])).toBeUndefined();
  expect(incompatibility([usual, node('b', 'alive', [1, 5, 2, 0, 1, 1])])).toBe(
    "Node 'b' delegate protocol version (1) is incompatible: [0, 0]",
  );
});
