/** Choices that a seed determines, so that a history which failed can be played again. */
export type Random = {
  /** A number in [0, 1). */
  readonly next: () => number;
  /** A whole number in [0, limit). */
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <const T>(choices: readonly [T, ...T[]]) => T;
  /** One of possibly none. */
  readonly anyOf: <T>(choices: readonly T[]) => T | undefined;
};

/** mulberry32: 32 bits of state are plenty for histories of some hundred steps. */
export const seededRandom = (seed: number): Random => {
  let state = (seed * 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (choices) => choices[below(choices.length)]!,
    anyOf: (choices) => choices[below(choices.length)],
  };
};

/**
 * Which seeds a test plays: that of `SIMULATION_SEED` alone, or else the first `count`; `SIMULATION_HISTORIES` is
 * another count, for a longer search.
 */
export const seedsToPlay = (count: number): readonly number[] => {
  const { SIMULATION_SEED: seed, SIMULATION_HISTORIES: histories } = process.env;
  if (seed !== undefined) return [Number(seed)];
  return Array.from({ length: histories === undefined ? count : Number(histories) }, (_, index) => index + 1);
};

/** The history so far as lines; the end of it stands in the error of a failure. */
export type Story = { readonly tell: (line: string) => void; readonly failure: (cause: unknown) => Error };

const longestLine = 600;

export const newStory = (seed: number): Story => {
  const lines: string[] = [];
  return {
    tell: (line) => void lines.push(line.length > longestLine ? `${line.slice(0, longestLine)}…` : line),
    failure: (cause) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      const end = lines.slice(-Number(process.env['SIMULATION_LINES'] ?? 40)).join('\n  ');
      return new Error(`${message}\nplay it again with SIMULATION_SEED=${seed}; the history ends so:\n  ${end}`, {
        cause,
      });
    },
  };
};
