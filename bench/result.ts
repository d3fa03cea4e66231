/** What a benchmark measured; one row per case. Times are in `unit`. */
export type BenchResult = {
  readonly bench: string;
  readonly unit: 'us' | 'ms' | 's';
  readonly rows: readonly BenchRow[];
};

/** One measured case; the fields that do not fit it are left out. */
export type BenchRow = {
  /** What was measured, by whom and how much of it, such as `kernel, 1 ms pause`. */
  readonly case: string;
  readonly n: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  readonly lost?: number;
  readonly writes?: number;
  readonly writesPerService?: number;
  readonly perSecond?: number;
  readonly lastMs?: number;
  /** Per cent of one core. */
  readonly cpuPercent?: number;
  /** Milliseconds of processor time for each service. */
  readonly cpuMsPerService?: number;
  readonly answeredPercent?: number;
  readonly rssMiB?: number;
  readonly anonMiB?: number;
  /** Of V8's heap, what the case holds. */
  readonly heapMiB?: number;
  readonly changed?: number;
  readonly foreignFrames?: number;
};

/** The sample at the rank of `fraction` (nearest rank), of samples in any order; NaN when there are none. */
export const percentile = (samples: readonly number[], fraction: number): number =>
  samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(samples.length * fraction) - 1)] ?? Number.NaN;

/** `n`, `p50`, `p99` and `max` of samples. */
export const summarise = (samples: readonly number[]): Pick<BenchRow, 'n' | 'p50' | 'p99' | 'max'> => ({
  n: samples.length,
  p50: percentile(samples, 0.5),
  p99: percentile(samples, 0.99),
  max: percentile(samples, 1),
});

const columns = [
  'case',
  'n',
  'p50',
  'p99',
  'max',
  'lost',
  'writes',
  'writesPerService',
  'perSecond',
  'lastMs',
  'cpuPercent',
  'cpuMsPerService',
  'answeredPercent',
  'rssMiB',
  'anonMiB',
  'heapMiB',
  'changed',
  'foreignFrames',
] as const satisfies readonly (keyof BenchRow)[];

const cell = (value: string | number | undefined): string =>
  typeof value !== 'number' ? (value ?? '') : Number.isInteger(value) ? String(value) : value.toPrecision(3);

/** The result as a table for people; columns that no row fills are left out. */
export const formatTable = ({ bench, unit, rows }: BenchResult): string => {
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined));
  const lines = [[...used], ...rows.map((row) => used.map((column) => cell(row[column])))];
  const widths = used.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ');
  return [`${bench} (times in ${unit})`, ...lines.map(format)].join('\n');
};
