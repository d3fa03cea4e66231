import { parseDuration } from './go-duration.ts';
import { err, ok, type Result } from './result.ts';
import type { Millis } from './time.ts';

/**
 * Command-line flags in the syntax of Go's package `flag`: `-x=v`, `--x=v`, `--x v`, `-x` for a boolean, `--` ends them.
 */
export type Flag<Value> = {
  /** Shown by `--help` behind the name; empty for a boolean. */
  readonly placeholder: string;
  /** One sentence. */
  readonly help: string;
  readonly fallback: Value;
  /** The fallback as `--help` shows it; empty if it goes without saying. */
  readonly shownFallback: string;
  /** Names the environment variable whose value, unless empty, replaces the fallback. */
  readonly env: string | undefined;
  readonly parse: (text: string) => Result<Value>;
};

type Options<Value> = { readonly help: string; readonly fallback: Value; readonly env?: string };

const stringFlag = ({ env, ...rest }: Options<string>): Flag<string> => ({
  ...rest,
  env,
  shownFallback: rest.fallback,
  placeholder: 'string',
  parse: ok,
});

/** A whole number within bounds, both included. */
const intFlag = ({
  env,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
  ...rest
}: Options<number> & { readonly min?: number; readonly max?: number }): Flag<number> => ({
  ...rest,
  env,
  shownFallback: String(rest.fallback),
  placeholder: 'int',
  parse: (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) return err('parse error');
    return value < min || value > max ? err(`must be from ${min} to ${max}`) : ok(value);
  },
});

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const falsehoods = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

const boolFlag = ({ env, ...rest }: Options<boolean>): Flag<boolean> => ({
  ...rest,
  env,
  shownFallback: rest.fallback ? 'true' : '',
  placeholder: '',
  parse: (text) => (truths.has(text) ? ok(true) : falsehoods.has(text) ? ok(false) : err('parse error')),
});

/** One of a few words. */
const enumFlag = <const Word extends string>({
  env,
  values,
  ...rest
}: Options<NoInfer<Word>> & { readonly values: readonly Word[] }): Flag<Word> => ({
  ...rest,
  env,
  shownFallback: rest.fallback,
  placeholder: values.join('|'),
  parse: (text) => {
    const word = values.find((value) => value === text);
    return word === undefined ? err(`must be one of ${values.join(', ')}`) : ok(word);
  },
});

/** A Go duration: `300ms`, `1m30s`. */
const durationFlag = ({ env, ...rest }: Options<Millis>): Flag<Millis> => ({
  ...rest,
  env,
  shownFallback: `${rest.fallback / 1000}s`,
  placeholder: 'duration',
  parse: parseDuration,
});

/** Makers of flags by type. */
export const flag = {
  string: stringFlag,
  int: intFlag,
  bool: boolFlag,
  enum: enumFlag,
  duration: durationFlag,
} as const;

/** The value of each flag of `Flags`, by name. */
export type FlagValues<Flags> = {
  readonly [Name in keyof Flags]: Flags[Name] extends Flag<infer Value> ? Value : never;
};

/** What a command line asks for: to run, or to print a text and end well. */
export type CommandLine<Flags> =
  | { readonly type: 'run'; readonly values: FlagValues<Flags> }
  | { readonly type: 'print'; readonly text: string };

/** How a program names itself. */
export type Program = {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  /** Shown by `--help` below the flags. */
  readonly notes?: string;
};

type AnyFlags = Readonly<Record<string, Flag<unknown>>>;

/** Reads a command line (without the program's name). The error names the flag or variable that is wrong. */
export const parseFlags = <const Flags extends AnyFlags>(
  program: Program,
  flags: Flags,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<CommandLine<Flags>> => {
  const given = new Map<string, unknown>();
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument === '--') {
      const stray = argv[index + 1];
      if (stray === undefined) break;
      return err(`unexpected argument: ${stray}`);
    }
    const match = /^--?(?<name>[^-=][^=]*)(?:=(?<value>[^]*))?$/.exec(argument);
    const name = match?.groups?.['name'];
    if (name === undefined) {
      // Go's programs stop reading here and ignore the rest, which hides mistakes such as `--flag false`.
      return err(argument.startsWith('-') ? `bad flag syntax: ${argument}` : `unexpected argument: ${argument}`);
    }
    const known = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (known === undefined) {
      if (name === 'help' || name === 'h') return ok({ type: 'print', text: helpText(program, flags) });
      if (name === 'version') return ok({ type: 'print', text: `${program.name} ${program.version}\n` });
      return err(`flag provided but not defined: -${name}`);
    }
    let text = match?.groups?.['value'];
    if (text === undefined && isBoolean(known)) text = 'true';
    if (text === undefined) {
      index++;
      text = argv[index];
    }
    if (text === undefined) return err(`flag needs an argument: -${name}`);
    const parsed = known.parse(text);
    if (!parsed.ok) return err(`invalid value ${JSON.stringify(text)} for flag -${name}: ${parsed.error}`);
    given.set(name, parsed.value);
  }
  return withDefaults(flags, given, env);
};

const isBoolean = ({ placeholder }: Flag<unknown>): boolean => placeholder === '';

const withDefaults = <Flags extends AnyFlags>(
  flags: Flags,
  given: ReadonlyMap<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
): Result<CommandLine<Flags>> => {
  const values: Record<string, unknown> = {};
  for (const [name, { fallback, env: variable, parse }] of Object.entries(flags)) {
    values[name] = given.has(name) ? given.get(name) : fallback;
    const text = variable === undefined ? undefined : env[variable];
    if (given.has(name) || !text) continue;
    const parsed = parse(text);
    if (!parsed.ok) return err(`invalid value ${JSON.stringify(text)} of variable ${variable}: ${parsed.error}`);
    values[name] = parsed.value;
  }
  return ok({ type: 'run', values: values as FlagValues<Flags> });
};

const helpText = ({ name, summary, notes = '' }: Program, flags: AnyFlags): string => {
  const rows = Object.entries(flags).map(
    ([flagName, known]) => [`  --${flagName} ${known.placeholder}`.trimEnd(), describe(known)] as const,
  );
  rows.push(['  --help', 'print this text'], ['  --version', 'print the version']);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
  return `${name}: ${summary}\n\nFlags:\n${lines.join('\n')}\n${notes}`;
};

const describe = ({ help, shownFallback, env }: Flag<unknown>): string => {
  const notes = [shownFallback && `default ${shownFallback}`, env === undefined ? '' : `env ${env}`].filter(Boolean);
  return notes.length === 0 ? help : `${help} (${notes.join(', ')})`;
};
