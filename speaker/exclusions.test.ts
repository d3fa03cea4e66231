import { expect, test } from 'vitest';
import { parseExclusions } from './exclusions.ts';

const excludes = (text: string, name: string): boolean =>
  parseExclusions(text).patterns.some((pattern) => pattern.test(name));

test('without a file nothing is excluded', () => {
  expect(parseExclusions(undefined)).toEqual({ patterns: [], problems: [] });
});

test.each(['', 'announcedInterfacesToExclude: []', 'other: 1'])('the file %j excludes nothing', (text) => {
  expect(parseExclusions(text)).toEqual({ patterns: [], problems: [] });
});

test('a name is excluded by a match anywhere in it', () => {
  const text = 'announcedInterfacesToExclude: ["^docker.*", "^lo$", "veth"]';
  expect(['docker0', 'lo', 'my-veth7', 'lo2', 'eth0'].filter((name) => excludes(text, name))).toEqual([
    'docker0',
    'lo',
    'my-veth7',
  ]);
});

test('an ignore-case prefix of Go is understood', () => {
  expect(excludes('announcedInterfacesToExclude: ["(?i)^ETH"]', 'eth0')).toBe(true);
});

test('a bad entry is named with its file and the others hold', () => {
  const { patterns, problems } = parseExclusions('announcedInterfacesToExclude: ["^a(", 7, "^b"]', '/x.yaml');
  expect(patterns).toEqual([/^b/u]);
  expect(problems).toHaveLength(2);
  expect(problems[0]).toMatch(/^\/x\.yaml: announcedInterfacesToExclude\[0\]: Invalid regular expression: /);
  expect(problems[1]).toBe('/x.yaml: announcedInterfacesToExclude[1]: 7 is not a regular expression');
});

test.each([
  ['announcedInterfacesToExclude: "^a"', 'is not a list'],
  ['- "^a"', 'is not a list'],
  ['text', 'is not a list'],
  ['{', 'not YAML'],
])('%j is a problem that names the file', (text, problem) => {
  const { patterns, problems } = parseExclusions(text, '/x.yaml');
  expect(patterns).toEqual([]);
  expect(problems).toEqual([expect.stringContaining(problem)]);
  expect(problems[0]).toMatch(/^\/x\.yaml: /);
});
