import { expect, test } from 'vitest';
import { formatTable, percentile, summarise } from './result.ts';

test('percentiles are samples, by nearest rank, in whatever order they came', () => {
  const samples = [5, 1, 4, 2, 3];
  expect(percentile(samples, 0.5)).toBe(3);
  expect(percentile(samples, 0.99)).toBe(5);
  expect(summarise(samples)).toEqual({ n: 5, p50: 3, p99: 5, max: 5 });
});

test('a table has the columns that some row fills', () => {
  const table = formatTable({
    bench: 'arp',
    unit: 'us',
    rows: [
      { case: 'kernel', n: 100, p50: 4.5 },
      { case: 'speaker', n: 100, p50: 16, lost: 1 },
    ],
  });
  expect(table.split('\n')).toEqual([
    'arp (times in us)',
    'case       n   p50  lost',
    'kernel   100  4.50      ',
    'speaker  100    16     1',
  ]);
});
