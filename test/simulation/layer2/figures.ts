/** What a scenario has shown, to be printed as one line of a table. */
export type Figures = {
  readonly scenario: string;
  readonly nodes: number;
  /** Milliseconds from the fault to the first verdict that the owner is dead. */
  readonly detections: readonly number[];
  /** Milliseconds in which what a client sent reached nobody. */
  readonly outages: readonly number[];
  /** Milliseconds in which two nodes answered, and none, for each address. */
  readonly double: readonly number[];
  readonly none: readonly number[];
  readonly falseTakeovers: number;
  /** Time of the world that has been looked at, in milliseconds, and what a node sent in it. */
  readonly lasted: number;
  readonly sent: number;
};

const dayMs = 86_400_000;

/** The value that this share of all values does not exceed; NaN if there is none. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
};

const pair = (values: readonly number[]): string =>
  values.length === 0
    ? '-'
    : `${Math.round(percentile(values, 0.5))} / ${Math.round(percentile(values, 0.99))} (${values.length})`;

/** Prints what scenarios have shown: p50 / p99 (how many) where there are many values. */
export const printFigures = (all: readonly Figures[]): void =>
  console.table(
    Object.fromEntries(
      all.map((one) => [
        `${one.scenario}, ${one.nodes} nodes`,
        {
          'detection ms': pair(one.detections),
          'outage ms': pair(one.outages),
          'two answering, ms at most': Math.round(Math.max(0, ...one.double)),
          'none answering, ms at most': Math.round(Math.max(0, ...one.none)),
          'false takeovers per node and day':
            one.lasted === 0 ? '-' : ((one.falseTakeovers * dayMs) / one.lasted / one.nodes).toFixed(0),
          'packets per second and node':
            one.lasted === 0 ? '-' : ((one.sent * 1000) / one.lasted / one.nodes).toFixed(1),
        },
      ]),
    ),
  );
