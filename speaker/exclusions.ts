import { parse } from 'yaml';

/** Where the ConfigMap `metallb-excludel2` is mounted. */
export const exclusionFile = '/etc/metallb/excludel2.yaml';

/** Interfaces that never announce. */
export type Exclusions = {
  /** Matched anywhere in the interface's name, as MetalLB does. */
  readonly patterns: readonly RegExp[];
  /** What of the file was left out, with file and entry named; the rest holds. */
  readonly problems: readonly string[];
};

/**
 * Parses the exclusion file: the YAML key `announcedInterfacesToExclude`, a list of regular expressions.
 * `text` is undefined if there is no file: then nothing is excluded.
 */
export const parseExclusions = (text: string | undefined, file = exclusionFile): Exclusions => {
  if (text === undefined) return { patterns: [], problems: [] };
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return { patterns: [], problems: [`${file}: not YAML: ${messageOf(error)}`] };
  }
  if (document === null || document === undefined) return { patterns: [], problems: [] };
  const isMap = typeof document === 'object' && !Array.isArray(document);
  const list: unknown = isMap
    ? ((document as Record<string, unknown>)['announcedInterfacesToExclude'] ?? [])
    : document;
  if (!isMap || !Array.isArray(list)) {
    return { patterns: [], problems: [`${file}: announcedInterfacesToExclude is not a list of regular expressions`] };
  }
  const patterns: RegExp[] = [];
  const problems: string[] = [];
  for (const [index, entry] of list.entries()) {
    const at = `${file}: announcedInterfacesToExclude[${index}]`;
    if (typeof entry !== 'string' || entry === '') {
      problems.push(`${at}: ${JSON.stringify(entry)} is not a regular expression`);
      continue;
    }
    try {
      patterns.push(toRegExp(entry));
    } catch (error) {
      problems.push(`${at}: ${messageOf(error)}`);
    }
  }
  return { patterns, problems };
};

/** Go writes "ignore case" as the prefix `(?i)`; for the rest the two dialects agree on what names of interfaces need. */
const toRegExp = (text: string): RegExp =>
  text.startsWith('(?i)') ? new RegExp(text.slice(4), 'iu') : new RegExp(text, 'u');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
