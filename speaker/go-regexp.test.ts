import { expect, test } from 'vitest';
import { compileGoRegExp } from './go-regexp.ts';

const matches = (expression: string, ...texts: readonly string[]): readonly string[] => {
  const compiled = compileGoRegExp(expression);
  if (!compiled.ok) throw new Error(compiled.error);
  return texts.filter((text) => compiled.value.test(text));
};

test.each([
  ['^docker.*', ['docker0'], ['my-docker0']],
  ['veth', ['veth1', 'my-veth1'], ['eth1']],
  ['eth\\-0', ['eth-0'], ['eth0']],
  ['^br\\_\\:1$', ['br_:1'], ['br\\_:1']],
  ['[[:alpha:]]+0', ['eth0'], ['-0', ':0']],
  ['^[^[:digit:]_]+$', ['eth'], ['eth0', 'a_b']],
  ['^[[:punct:]]$', ['[', '/', '~', '-'], ['a', '1', ' ']],
  ['^[:alp]+$', ['a:p'], ['b']],
  ['^[:alpha:]$', ['a', ':'], ['b']],
  ['(?i)^ETH', ['eth0'], ['br0']],
  ['^(?i:ETH)a', ['etha'], ['ethA']],
  ['\\Aeth\\d\\z', ['eth0'], ['eth01', 'zeth0']],
  ['^(?P<kind>eth|br)\\d', ['br1'], ['lo1']],
  ['^\\x{65}th', ['eth0'], ['th0']],
  ['^\\Qa.b[\\E0', ['a.b[0'], ['axb[0']],
  ['^\\pL+$', ['eth'], ['eth0']],
  ['^a[[]b[\\]]c', ['a[b]c'], ['ab]c']],
])('%s matches what it matches in Go', (expression, matching, others) => {
  expect(matches(expression, ...matching, ...others)).toEqual(matching);
});

test.each(['^a(', '*', 'eth\\', '\\y', '[[:unknown:]]', '[[:^alpha:]]', '(?<=a)\\1', '[b-a]', '(?U)a+'])(
  '%s is an error',
  (expression) => {
    expect(compileGoRegExp(expression)).toMatchObject({ ok: false, error: expect.any(String) });
  },
);
