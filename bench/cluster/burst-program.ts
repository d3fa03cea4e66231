/**
 * Creates services by several writers at once: `node burst-program.ts PREFIX COUNT WRITERS`. Waits until each has its
 * address, and prints `{latencies: ms[], firstPost, lastCreate, lastAddress}`, times in ms since the epoch.
 */
import { connect, createEndpoint, createService, epoch, watchAddresses } from './client.ts';

const [prefix = '', count = '0', writers = '1'] = process.argv.slice(2);
const api = await connect();
const addresses = await watchAddresses(api);
const names = Array.from({ length: Number(count) }, (_, index) => `${prefix}-${index}`);

/** Calls `work` for every name, by so many workers. */
const inParallel = async (workers: number, work: (name: string) => Promise<unknown>): Promise<void> => {
  const left = names.values();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const name of left) await work(name);
    }),
  );
};

await inParallel(16, (name) => createEndpoint(api, name));
const posted = new Map<string, number>();
const firstPost = epoch();
await inParallel(Number(writers), async (name) => {
  posted.set(name, epoch());
  await createService(api, name);
});
const lastCreate = epoch();
process.stderr.write(`${count} services are created\n`);
const latencies: number[] = [];
let lastAddress = 0;
for (const name of names) {
  const { at } = await addresses.get(name);
  latencies.push(at - (posted.get(name) ?? at));
  lastAddress = Math.max(lastAddress, at);
}
process.stdout.write(JSON.stringify({ latencies, firstPost, lastCreate, lastAddress }));
process.exit(0);
