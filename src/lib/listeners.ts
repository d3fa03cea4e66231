/** Who wants to be told of something. */
export type Listeners<News> = {
  /** Has `listener` told from now on, until the returned function is called. */
  readonly add: (listener: (news: News) => void) => () => void;
  /** Tells all, in the order in which they came. */
  readonly tell: (news: News) => void;
};

/** Makes an empty set of them. */
export const createListeners = <News = void>(): Listeners<News> => {
  const listeners = new Set<(news: News) => void>();
  return {
    add: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (news) => {
      for (const listener of listeners) listener(news);
    },
  };
};
