import process from 'node:process';
import { parseArgs } from 'node:util';
import type { BenchOptions } from './options.ts';
import { type BenchResult, formatTable } from './result.ts';

/** Every benchmark, loaded only when it is asked for. */
const benches: Readonly<
  Record<string, () => Promise<{ readonly run: (options: BenchOptions) => Promise<BenchResult> }>>
> = {
  arp: () => import('./arp.ts'),
  flood: () => import('./flood.ts'),
  create: () => import('./create.ts'),
  burst: () => import('./burst.ts'),
  rest: () => import('./rest.ts'),
  memory: () => import('./memory.ts'),
  start: () => import('./start.ts'),
  leader: () => import('./leader.ts'),
  failover: () => import('./failover.ts'),
  scale: () => import('./scale.ts'),
  allocator: () => import('./allocator.ts'),
};

const usage = `Usage: npm run bench -- NAME [--services N] [--json]
NAME is one of: ${Object.keys(benches).join(', ')}
--services N has burst, rest, memory, start and leader measure with N services only
--json ends the output with the result as one JSON line`;

const options = {
  help: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  services: { type: 'string' },
} as const;

/** The command line; text says what is wrong with it. */
const parse = (args: string[]) => {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const services = values.services === undefined ? undefined : Number(values.services);
    if (services !== undefined && !(Number.isInteger(services) && services > 0)) {
      return `--services is not a number of services: "${values.services}"`;
    }
    return { help: values.help, json: values.json, names: positionals, services };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const main = async (args: string[]): Promise<number> => {
  const parsed = parse(args);
  if (typeof parsed === 'string') {
    console.error(`${parsed}\n${usage}`);
    return 2;
  }
  const { help, json, names, services } = parsed;
  if (help) {
    console.log(usage);
    return 0;
  }
  const load = names.length === 1 ? benches[names[0] ?? ''] : undefined;
  if (load === undefined) {
    console.error(names.length === 1 ? `There is no benchmark "${names[0]}".\n${usage}` : usage);
    return 2;
  }
  const result = await (await load()).run({ services });
  console.log(formatTable(result));
  if (json) console.log(JSON.stringify(result));
  return 0;
};

// Kept connections and the pauses of a search that was given up must not keep the program.
process.exit(await main(process.argv.slice(2)));
