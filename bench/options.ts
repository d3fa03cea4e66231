/** What the command line says about how a benchmark runs. */
export type BenchOptions = {
  /** So many services in place of the sizes that a benchmark of the cluster has by itself. */
  readonly services: number | undefined;
};

/** The numbers of services to measure with. */
export const sizesOf = ({ services }: BenchOptions, usual: readonly number[]): readonly number[] =>
  services === undefined ? usual : [services];

/** A number for the name of a case: `5,000`. */
export const inThousands = (count: number): string => count.toLocaleString('en');
