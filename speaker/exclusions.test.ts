import { expect, test } from 'vitest';
import { parseExclusions } from './exclusions.ts';

const excludes = (text: string, name: string): boolean => {
  const patterns = parseExclusions(text);
  return patterns.ok && patterns.value.some((pattern) => pattern.test(name));
};

test('without a file nothing is excluded', () => {
  expect(parseExclusions(undefined)).toEqual({ ok: true, value: [] });
});

test.each(['', 'announcedInterfacesToExclude: []', 'other: 1'])('the file %j excludes nothing', (text) => {
  expect(parseExclusions(text)).toEqual({ ok: true, value: [] });
});

test('a name is excluded by a match anywhere in it', () => {
  const text = 'announcedInterfacesToExclude: ["^docker.*", "^lo$", "veth", "[[:alpha:]]\\\\-0"]';
  expect(['docker0', 'lo', 'my-veth7', 'br-0', 'lo2', 'eth0'].filter((name) => excludes(text, name))).toEqual([
    'docker0',
    'lo',
    'my-veth7',
    'br-0',
  ]);
});

test('bad entries are an error that names the file and each of them', () => {
  const parsed = parseExclusions('announcedInterfacesToExclude: ["^a(", "^b", 7]', '/x.yaml');
  expect(parsed).toEqual({
    ok: false,
    error: expect.stringMatching(
      new RegExp(
        '^/x\\.yaml: announcedInterfacesToExclude\\[0\\]: Invalid regular expression: .*; ' +
          '/x\\.yaml: announcedInterfacesToExclude\\[2\\]: 7 is not a regular expression$',
      ),
    ),
  });
});

test.each([
  ['announcedInterfacesToExclude: "^a"', 'announcedInterfacesToExclude is not a list'],
  ['- "^a"', 'announcedInterfacesToExclude is not a list'],
  ['text', 'announcedInterfacesToExclude is not a list'],
  ['{', 'not YAML'],
])('%j is an error that names the file', (text, problem) => {
  expect(parseExclusions(text, '/x.yaml')).toEqual({
    ok: false,
    error: expect.stringContaining(`/x.yaml: ${problem}`),
  });
});
