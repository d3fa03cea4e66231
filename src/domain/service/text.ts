/** Longest piece of a user's text repeated in a message; an annotation may hold 256 KiB. */
const longestQuote = 80;

/** An event's message may have 1,024 octets; what surrounds a list has its place within them. */
const longestList = 640;

/** The text, cut where it is long. */
export const shorten = (text: string): string =>
  text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;

/** The text in double quotes, cut where it is long. */
export const quote = (text: string): string => JSON.stringify(shorten(text));

/** As Go's `%q` prints a list of addresses: `["192.0.2.1" "2001:db8::1"]`. */
export const quoteList = (texts: readonly string[]): string => `[${texts.slice(0, 8).map(quote).join(' ')}]`;

/** Joins as many parts as fit into an event, and says if some were left out. */
export const joinBounded = (parts: readonly string[], separator: string): string => {
  let length = 0;
  const fitting = parts.findIndex((part) => (length += part.length + separator.length) > longestList);
  // At least one is shown: a name has at most 253 octets.
  const shown = fitting < 0 ? parts.length : Math.max(1, fitting);
  return parts.slice(0, shown).join(separator) + (shown < parts.length ? `${separator}and more` : '');
};
