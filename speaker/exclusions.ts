import { parse } from 'yaml';
import { err, ok, type Result } from '../src/lib/result.ts';
import { compileGoRegExp } from './go-regexp.ts';

/** Where the ConfigMap `metallb-excludel2` is mounted. */
export const exclusionFile = '/etc/metallb/excludel2.yaml';

/**
 * Parses the exclusion file: the YAML key `announcedInterfacesToExclude`, a list of regular expressions in Go's syntax,
 * matched anywhere in the name of an interface. `text` is undefined if there is no file: then nothing is excluded. The
 * error names the file and every entry that is wrong: to pass over one would answer where its author forbids it.
 */
export const parseExclusions = (text: string | undefined, file = exclusionFile): Result<readonly RegExp[]> => {
  if (text === undefined) return ok([]);
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return err(`${file}: not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (document === null || document === undefined) return ok([]);
  const isMap = typeof document === 'object' && !Array.isArray(document);
  const list: unknown = isMap
    ? ((document as Record<string, unknown>)['announcedInterfacesToExclude'] ?? [])
    : document;
  if (!isMap || !Array.isArray(list)) {
    return err(`${file}: announcedInterfacesToExclude is not a list of regular expressions`);
  }
  const patterns: RegExp[] = [];
  const problems: string[] = [];
  for (const [index, entry] of list.entries()) {
    const pattern =
      typeof entry === 'string' && entry !== ''
        ? compileGoRegExp(entry)
        : err(`${JSON.stringify(entry)} is not a regular expression`);
    if (pattern.ok) patterns.push(pattern.value);
    else problems.push(`${file}: announcedInterfacesToExclude[${index}]: ${pattern.error}`);
  }
  return problems.length === 0 ? ok(patterns) : err(problems.join('; '));
};
