import process from 'node:process';
import { type BenchResult, formatTable } from './result.ts';

/** Every benchmark, loaded only when it is asked for. */
const benches: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<BenchResult> }>>> = {
  arp: () => import('./arp.ts'),
  flood: () => import('./flood.ts'),
  create: () => import('./create.ts'),
  burst: () => import('./burst.ts'),
  rest: () => import('./rest.ts'),
  memory: () => import('./memory.ts'),
  allocator: () => import('./allocator.ts'),
  start: () => import('./start.ts'),
};

const usage = `Usage: npm run bench -- NAME [--json]
NAME is one of: ${Object.keys(benches).join(', ')}
--json ends the output with the result as one JSON line`;

const main = async (args: readonly string[]): Promise<number> => {
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const names = args.filter((arg) => arg !== '--json');
  const load = names.length === 1 ? benches[names[0] ?? ''] : undefined;
  if (load === undefined) {
    console.error(names.length === 1 ? `There is no benchmark "${names[0]}".\n${usage}` : usage);
    return 2;
  }
  const result = await (await load()).run();
  console.log(formatTable(result));
  if (args.includes('--json')) console.log(JSON.stringify(result));
  return 0;
};

process.exitCode = await main(process.argv.slice(2));
