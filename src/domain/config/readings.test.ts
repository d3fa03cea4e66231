import { expect, test } from 'vitest';
import { assemble, resource } from '../../../test/support/custom-resources.ts';

test('what has not changed is read once, whatever changes beside it', () => {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { a: 'b' } }], serviceSelectors: [{}] };
  let reads = 0;
  const addresses = ['192.0.2.0/24', 'nonsense'];
  const pools = [
    resource('p', {
      get addresses() {
        reads++;
        return addresses;
      },
      serviceAllocation,
    }),
  ];
  const before = assemble({ pools });
  const readsOfOne = reads;
  const after = assemble({
    pools,
    namespaces: [{ name: 'n', labels: { a: 'b' } }],
    nodes: [{ name: 'n', labels: {} }],
  });
  expect(readsOfOne).toBeGreaterThan(0);
  expect(reads).toBe(readsOfOne);
  expect(after.problems).toEqual(before.problems);
  const [a, b] = [before, after].map(({ configuration }) => configuration.pools[0]?.serviceAllocation);
  expect(b?.namespaces).toEqual(new Set(['n']));
  expect(b?.serviceSelectors[0]).toBe(a?.serviceSelectors[0]);
});
