/** The longest time between two answers that came one after the other, the later one after `from`; same unit. */
export const longestSilence = (answeredAt: readonly number[], from: number): number => {
  let longest = 0;
  for (const [index, at] of answeredAt.entries()) {
    if (at >= from) longest = Math.max(longest, at - (answeredAt[index - 1] ?? at));
  }
  return longest;
};
