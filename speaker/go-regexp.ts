import { err, ok, type Result } from '../src/lib/result.ts';

/** The named classes of RE2, which stand inside brackets: `[[:alpha:]_]`. */
const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
};

/** What RE2 writes otherwise than ECMAScript, and single characters. */
const token = /\\Q[^]*?(?:\\E|$)|\\x\{[\da-fA-F]+\}|\\p[A-Z]|\\P[A-Z]|\\[^]|\[:\w+:\]|\(\?P<|[^]/gu;

/**
 * Compiles a regular expression as Go's package `regexp` reads it (RE2 syntax). ECMAScript's strict mode `u` does the
 * rest: it refuses what it would read in another sense, so that an expression means what its author meant, or is an error.
 */
export const compileGoRegExp = (text: string): Result<RegExp> => {
  const { flags = '', rest = text } = /^\(\?(?<flags>[ims]+)\)(?<rest>[^]*)$/.exec(text)?.groups ?? {};
  let isInBrackets = false;
  const translated = rest.replaceAll(token, (part) => {
    if (isInBrackets && part.startsWith('[:')) return posixClasses[part.slice(2, -2)] ?? part;
    if (part.startsWith('[') && !isInBrackets) isInBrackets = part === '[';
    else if (part === ']') isInBrackets = false;
    return translateToken(part);
  });
  try {
    return ok(new RegExp(translated, [...new Set(`u${flags}`)].join('')));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
};

const translateToken = (part: string): string => {
  if (part.startsWith('\\Q')) return part.slice(2).replace(/\\E$/, '').replaceAll(/\W/gu, literal);
  if (part.startsWith('\\x{')) return `\\u${part.slice(2)}`;
  if (part === '\\A') return '^';
  if (part === '\\z') return '$';
  if (part === '(?P<') return '(?<';
  if (/^\\p/i.test(part) && part.length === 3) return `${part.slice(0, 2)}{${part.slice(2)}}`;
  return /^\\[!-/:-@[-`{-~]$/.test(part) ? literal(part.slice(1)) : part;
};

const literal = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;
