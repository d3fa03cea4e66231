/** What the last stage of a Dockerfile says about how its image runs. Absent fields come from the base image. */
export type ImageConfig = {
  readonly base: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly user?: string;
  readonly workingDir?: string;
};

/**
 * Reads the instructions of the last stage that shape a running container: FROM, ENV, ARG defaults, USER, WORKDIR,
 * ENTRYPOINT and CMD (JSON form, or the shell form that `/bin/sh -c` gets). Everything else is skipped.
 */
export const parseDockerfile = (text: string): ImageConfig => {
  const instructions = logicalLines(text).map((line) => {
    const [word = ''] = line.split(/\s/, 1);
    return { name: word.toUpperCase(), rest: line.slice(word.length).trim() };
  });
  const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  const variables = new Map<string, string>();
  for (const { name, rest } of instructions.slice(0, Math.max(lastFrom, 0))) {
    if (name === 'ARG') setDefault(variables, rest);
  }
  let config: ImageConfig = { base: '', env: new Map() };
  for (const { name, rest } of instructions.slice(Math.max(lastFrom, 0))) {
    const words = substitute(rest, variables);
    if (name === 'FROM') config = { ...config, base: words.split(/\s+/).find((word) => !word.startsWith('--')) ?? '' };
    if (name === 'ARG') setDefault(variables, rest);
    if (name === 'ENV') {
      for (const [key, value] of assignments(words)) variables.set(key, value);
      config = { ...config, env: new Map([...config.env, ...assignments(words)]) };
    }
    if (name === 'USER') config = { ...config, user: words };
    if (name === 'WORKDIR') config = { ...config, workingDir: words };
    // A new ENTRYPOINT forgets the base image's CMD.
    if (name === 'ENTRYPOINT') config = { ...config, entrypoint: commandOf(rest) };
    if (name === 'CMD') config = { ...config, cmd: commandOf(rest) };
  }
  return config;
};

/** Joins continued lines and drops comments and blank lines. */
const logicalLines = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\s*\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const setDefault = (variables: Map<string, string>, rest: string): void => {
  for (const [key, value] of assignments(substitute(rest, variables))) {
    if (!variables.has(key)) variables.set(key, value);
  }
};

const substitute = (text: string, variables: ReadonlyMap<string, string>): string =>
  text.replaceAll(
    /(?<!\\)\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
    (_, braced?: string, fallback?: string, bare?: string) => variables.get(braced ?? bare ?? '') ?? fallback ?? '',
  );

/** `A=1 B="two words"`, or the old form `A one value`. */
const assignments = (text: string): readonly (readonly [string, string])[] => {
  if (!/^\w+=/.test(text)) {
    const [name = ''] = text.split(/\s/, 1);
    const value = text.slice(name.length).trim();
    return value === '' ? [] : [[name, value]];
  }
  return [...text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\]|\\.)*)/g)].map(([, name = '', value = '']) => [
    name,
    value.replace(/^(["'])(.*)\1$/s, '$2').replaceAll(/\\(.)/g, '$1'),
  ]);
};

const commandOf = (text: string): readonly string[] =>
  text.startsWith('[') ? (JSON.parse(text) as readonly string[]) : ['/bin/sh', '-c', text];
