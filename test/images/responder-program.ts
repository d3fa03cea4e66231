/**
 * The speaker's packet path alone: answers for the addresses named on the command line, on every interface, until
 * SIGTERM. Each report of the responder thread is a line of JSON on standard output.
 */
import type { GroupOrder } from '../../src/lib/group-order.ts';
import { parseIp } from '../../src/lib/ip.ts';
import { startResponder } from '../../speaker/responder/client.ts';

const node = 'node';
const responder = startResponder({ node, excluded: [], beaconPort: 7947, secret: undefined, isProbing: false });
// A report about ownership has numbers of 64 bits.
const inText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);
responder.onReport((report) => process.stdout.write(`${JSON.stringify(report, inText)}\n`));
responder.watchCurrent(true);
responder.members([], true);
const groups = process.argv.slice(2).map((text): GroupOrder => {
  const ip = parseIp(text);
  if (!ip.ok) throw new Error(`${text} is no address`);
  const addresses = [{ ip: ip.value, interfaces: undefined }];
  return { key: ip.value, addresses, candidates: [node], policy: 'sticky', revision: 1 };
});
responder.groups(groups, []);
process.once('SIGTERM', () => void responder.stop());
