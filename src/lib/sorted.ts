/** Compares texts by their UTF-16 units, for `sort`: the same on every machine, whatever its language. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Index of the last element that passes a test which all passing elements pass before all failing ones; -1 if none
 * does. O(log n).
 */
export const lastIndexWhere = <T>(sorted: readonly T[], passes: (element: T) => boolean): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};
