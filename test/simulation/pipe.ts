/** The body of an answer that comes piece by piece. */
export type Pipe = AsyncIterable<Uint8Array> & {
  readonly push: (chunk: Uint8Array) => void;
  /** With an error, reading ends by that; what was pushed before is read first. */
  readonly end: (error: unknown) => void;
};

export const createPipe = (): Pipe => {
  const chunks: Uint8Array[] = [];
  let ended: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (ended !== undefined) {
        if (ended.error !== undefined) throw ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };
  return {
    push: (chunk) => {
      chunks.push(chunk);
      wake();
    },
    end: (error) => {
      ended ??= { error };
      wake();
    },
    [Symbol.asyncIterator]: read,
  };
};
