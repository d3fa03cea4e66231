import { expect, test } from 'vitest';
import { problemTexts, resource } from '../../../test/support/custom-resources.ts';

test('every selector is checked', () => {
  const near = { matchExpressions: [{ key: 'x', operator: 'Near' }] };
  const spec = {
    ipAddressPoolSelectors: [near],
    nodeSelectors: [near, { matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }],
    serviceSelectors: [near],
    preferredNodeSelectors: [
      { weight: 1, preference: {} },
      { weight: 1, preference: near },
    ],
  };
  const why = '"Near" is not a valid label selector operator';
  expect(problemTexts({ l2Advertisements: [resource('a', spec)] })).toEqual([
    `L2Advertisement a spec.nodeSelectors[0] InvalidSelector: failed to parse node selector for a: ${why}`,
    'L2Advertisement a spec.nodeSelectors[2] DuplicateDefinition: duplicate definition of nodeSelectors "a=b"',
    'L2Advertisement a spec.serviceSelectors[0] InvalidSelector: failed to parse service selector for a: invalid service ' +
      `selector: ${why}`,
    'L2Advertisement a spec.preferredNodeSelectors[1].preference InvalidSelector: failed to parse preferred node ' +
      `selectors for a: invalid preferred node selector: ${why}`,
    `L2Advertisement a spec.ipAddressPoolSelectors[0] InvalidSelector: invalid label selector: ${why}`,
  ]);
});
