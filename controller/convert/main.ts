import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import packageJson from '../../package.json' with { type: 'json' };
import { exitCode } from '../../src/observe/command-line.ts';
import { convertText } from './convert-text.ts';
import { type ConvertOptions, parseConvertOptions } from './options.ts';

const usage = `metallb-ts ${packageJson.version}

Commands:
  metallb-ts convert  turns the old ConfigMap into custom resources
  metallb-ts convert --help
`;

/** To the owner alone: passwords of peers may stand in it. */
const outputMode = 0o600;

const tell = (message: string): void => void process.stderr.write(`metallb-ts: ${message}\n`);

/** Reads, converts and writes; gives the exit code. Rejects if a file cannot be read or written. */
const run = async ({ source, output, 'only-data': isOnlyData, stdout }: ConvertOptions): Promise<number> => {
  const converted = convertText(source === '-' ? await text(process.stdin) : readFileSync(source, 'utf8'), isOnlyData);
  for (const warning of converted.warnings) tell(`warning: ${warning}`);
  for (const problem of converted.problems) tell(problem);
  if (converted.output === undefined) {
    tell('nothing has been written');
    return exitCode.failure;
  }
  if (output === '-' || stdout) process.stdout.write(converted.output);
  else writeFileSync(output, converted.output, { mode: outputMode });
  return exitCode.clean;
};

const main = async (command: string | undefined, argv: readonly string[]): Promise<number> => {
  if (command !== 'convert') {
    const isAsked = command === undefined || ['help', '--help', '-h', '--version'].includes(command);
    (isAsked ? process.stdout : process.stderr).write(isAsked ? usage : `unknown command ${command}\n\n${usage}`);
    return isAsked ? exitCode.clean : exitCode.usage;
  }
  const line = parseConvertOptions(packageJson.version, argv);
  if (!line.ok) {
    tell(line.error);
    return exitCode.usage;
  }
  if (line.value.type === 'print') {
    process.stdout.write(line.value.text);
    return exitCode.clean;
  }
  try {
    return await run(line.value.values);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    return exitCode.failure;
  }
};

// Not exit: what is written to a pipe has to be taken from it first.
process.exitCode = await main(process.argv[2], process.argv.slice(3));
