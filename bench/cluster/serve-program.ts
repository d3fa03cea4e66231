/** Creates one service and waits for its address: `node serve-program.ts NAME`; prints `{addressed}`, ms since the epoch. */
import { connect, createEndpoint, createService, watchAddresses } from './client.ts';

const name = process.argv[2] ?? '';
const api = await connect();
const addresses = await watchAddresses(api);
await createEndpoint(api, name);
await createService(api, name);
process.stdout.write(JSON.stringify({ addressed: (await addresses.get(name)).at }));
process.exit(0);
