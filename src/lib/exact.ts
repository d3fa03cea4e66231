/**
 * The list in no more memory than it needs: one that grew, as by `push`, `filter`, `flatMap` or spreading, has room for
 * 16 more, which are 130 octets. For lists that are kept for every object of a cluster.
 */
export const exact = <T>(list: readonly T[]): readonly T[] => list.slice();
