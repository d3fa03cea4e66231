/**
 * Whether `a` is an older state of an object than `b`. The versions of one object are decimal numbers that grow
 * (KEP-5504 makes that part of the API); texts that are no numbers count as not older, and then nothing is held back.
 */
export const isOlderVersion = (a: string, b: string): boolean => {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
};
