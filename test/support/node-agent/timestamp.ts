/** The time as the API writes it: RFC 3339 in UTC, whole seconds. */
export const timestamp = (at: Date = new Date()): string => `${at.toISOString().slice(0, 19)}Z`;
