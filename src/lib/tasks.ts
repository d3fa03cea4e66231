/**
 * Starts parts that run until their signal aborts: with `signal`, or when one of them fails. Settles when all have ended;
 * rejects with the first failure in their order.
 */
export const runTogether = async (
  signal: AbortSignal,
  start: (signal: AbortSignal) => readonly (Promise<void> | undefined)[],
): Promise<void> => {
  const failing = new AbortController();
  const parts = start(AbortSignal.any([signal, failing.signal])).map(async (part) => {
    try {
      await part;
    } catch (error) {
      failing.abort();
      throw error;
    }
  });
  for (const outcome of await Promise.allSettled(parts)) if (outcome.status === 'rejected') throw outcome.reason;
};
