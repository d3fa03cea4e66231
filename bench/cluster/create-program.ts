/** Creates services one after the other: `node create-program.ts COUNT`; prints `{address: ms[], frame: ms[]}`. */
import { captureArp, connect, createEndpoint, createService, epoch, watchAddresses } from './client.ts';

const count = Number(process.argv[2]);
const api = await connect();
const addresses = await watchAddresses(api);
const frames = await captureArp();
const names = Array.from({ length: count }, (_, index) => `create-${index}`);
await Promise.all(names.map((name) => createEndpoint(api, name)));

const address: number[] = [];
const frame: number[] = [];
for (const name of names) {
  const before = epoch();
  await createService(api, name);
  const addressed = await addresses.get(name);
  address.push(addressed.at - before);
  frame.push((await frames.get(addressed.address)) - before);
}
process.stdout.write(JSON.stringify({ address, frame }));
process.exit(0);
