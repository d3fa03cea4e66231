import { expect, test } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import type { ConfigurationProblem } from '../domain/config/configuration.ts';
import { problemReporter } from './configuration-problems.ts';

const rig = () => {
  const told: string[] = [];
  const logged: unknown[] = [];
  const seen = { errors: 0, stale: -1 };
  const report = problemReporter({
    log: { ...silentLog, warn: (message, fields) => logged.push([message, fields?.['object']]) },
    metrics: { updateErrors: { inc: () => void seen.errors++ }, configStale: { set: (value) => (seen.stale = value) } },
    tell: ({ name }) => told.push(name),
  });
  return { report, told, logged, seen };
};
const problem = (name: string, severity: ConfigurationProblem['severity'] = 'error') =>
  ({ namespace: 'm', name, severity }) as ConfigurationProblem;

test('a problem is told when it comes up, and again only after it was gone', () => {
  const { report, told, seen } = rig();
  report([problem('a')]);
  report([problem('a'), problem('b')]);
  report([problem('b')]);
  report([problem('a'), problem('b')]);
  expect([told, seen]).toEqual([['a', 'b', 'a'], { errors: 3, stale: 1 }]);
  report([]);
  expect(seen).toEqual({ errors: 3, stale: 0 });
});

test('a warning is told, and nothing counts as left out for it', () => {
  const { report, told, logged, seen } = rig();
  report([problem('a', 'warning')]);
  expect([told, seen]).toEqual([['a'], { errors: 0, stale: 0 }]);
  report([problem('a', 'warning'), problem('b')]);
  expect([told, seen]).toEqual([['a', 'b'], { errors: 1, stale: 1 }]);
  expect(logged).toEqual([
    ['the configuration is odd', 'm/a'],
    ['a part of the configuration is left out', 'm/b'],
  ]);
});
