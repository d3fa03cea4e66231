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
  /** Time of the world that has been looked at, in milliseconds. */
  readonly lasted: number;
  /** Packets that all nodes sent at rest, and in how many milliseconds. */
  readonly sent: number;
  readonly sentIn: number;
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

/** What the scenarios of a file have shown so far. */
export type Shown = {
  /** Adds what one play has shown; plays of one scenario with as many nodes are one line. */
  readonly add: (figures: Partial<Figures> & Pick<Figures, 'scenario' | 'nodes'>) => void;
  /** Prints a table: p50 / p99 (how many) where there are many values. */
  readonly print: () => void;
};

const nothing = { detections: [], outages: [], double: [], none: [], falseTakeovers: 0, lasted: 0, sent: 0, sentIn: 0 };

export const collectFigures = (): Shown => {
  const lines = new Map<string, Figures>();
  return {
    add: (figures) => {
      const name = `${figures.scenario}, ${figures.nodes} nodes`;
      const one = { ...nothing, ...figures };
      const before = lines.get(name) ?? { ...nothing, scenario: figures.scenario, nodes: figures.nodes };
      lines.set(name, {
        ...before,
        detections: [...before.detections, ...one.detections],
        outages: [...before.outages, ...one.outages],
        double: [...before.double, ...one.double],
        none: [...before.none, ...one.none],
        falseTakeovers: before.falseTakeovers + one.falseTakeovers,
        lasted: before.lasted + one.lasted,
        sent: before.sent + one.sent,
        sentIn: before.sentIn + one.sentIn,
      });
    },
    print: () => console.table(Object.fromEntries(Array.from(lines, ([name, figures]) => [name, columns(figures)]))),
  };
};

const columns = ({
  nodes,
  detections,
  outages,
  double,
  none,
  falseTakeovers,
  lasted,
  sent,
  sentIn,
}: Figures): object => ({
  'detection ms': pair(detections),
  'outage ms': pair(outages),
  'two answering, ms': Math.round(Math.max(0, ...double)),
  'none answering, ms': Math.round(Math.max(0, ...none)),
  'false takeovers / node and day': lasted === 0 ? '-' : ((falseTakeovers * dayMs) / lasted / nodes).toFixed(0),
  'packets / s and node': sentIn === 0 ? '-' : ((sent * 1000) / sentIn / nodes).toFixed(1),
});
