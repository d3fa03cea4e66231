import { flag, type FlagValues, parseFlags, type CommandLine } from '../../src/lib/flags.ts';
import type { Result } from '../../src/lib/result.ts';

const flags = {
  source: flag.string({ help: 'file to read; -: standard input', fallback: '-' }),
  output: flag.string({ help: 'file to write; -: standard output', fallback: '-' }),
  'only-data': flag.bool({
    help: 'what is read is the text under the key "config" alone, and not a ConfigMap around it',
    fallback: false,
  }),
  stdout: flag.bool({ help: 'write to standard output, whatever --output says', fallback: false }),
} as const;

export type ConvertOptions = FlagValues<typeof flags>;

const notes = `
It reads the ConfigMap that configured MetalLB 0.8 to 0.12 and writes the custom resources that say the same:

  kubectl get configmap -n metallb-system config -o yaml | metallb-ts convert > resources.yaml

Exit codes:
  0  converted; what needs a look is told on standard error
  1  not converted: the document is wrong, and nothing has been written
  2  the command line is wrong
`;

/** Reads the command line behind the word `convert`. */
export const parseConvertOptions = (version: string, argv: readonly string[]): Result<CommandLine<typeof flags>> => {
  const summary = 'turns the old ConfigMap into custom resources';
  return parseFlags({ name: 'metallb-ts convert', summary, version, notes }, flags, argv, {});
};
