import { parseDocument } from 'yaml';
import { err, ok, type Result } from '../../lib/result.ts';

/** Longest text that is looked at. The longest entry is some 80 characters, so this is thousands of them. */
const longestText = 256 * 1024;

/** A document that makes more of an anchor than this is an attack on memory. */
const mostAliases = 100;

/**
 * Parses the text under the key `config`. Scalars stay the text that stands there, as a password `0123` is no number;
 * plain `null`, `~` and nothing at all are null. Whoever reads a field says what it must be. A key that stands twice is
 * an error, as it was in MetalLB.
 */
export const parseLegacyDocument = (text: string): Result<unknown> => {
  if (text.length > longestText) return failed(`it is longer than ${longestText / 1024} KiB`);
  try {
    const document = parseDocument(text, { schema: 'failsafe', customTags: ['null', 'merge'], uniqueKeys: true });
    const [error] = document.errors;
    if (error?.code === 'MULTIPLE_DOCS') return failed('there is more than one document in it');
    if (error !== undefined) return failed(error.message);
    return ok(document.toJS({ maxAliasCount: mostAliases }) as unknown);
  } catch (error) {
    // Too many aliases, or maps in maps beyond what the stack holds.
    return failed(error instanceof Error ? error.message : String(error));
  }
};

/** The first line says what and where; below it the library draws the place. */
const failed = (message: string): Result<never> =>
  err(`could not parse config: ${(message.split('\n', 1)[0] ?? '').replace(/:$/, '')}`);
