/**
 * The speaker's packet path alone: answers for the addresses named on the command line, on every interface, until
 * SIGTERM. Each report of the responder thread is a line of JSON on standard output.
 */
import { parseIp } from '../../src/lib/ip.ts';
import { startResponder } from '../../speaker/responder/client.ts';

const responder = startResponder({ excluded: [] });
responder.onReport((report) => process.stdout.write(`${JSON.stringify(report)}\n`));
for (const text of process.argv.slice(2)) {
  const ip = parseIp(text);
  if (!ip.ok) throw new Error(`${text} is no address`);
  responder.announce(ip.value, undefined);
}
process.once('SIGTERM', () => void responder.stop());
