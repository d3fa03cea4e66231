/**
 * Asks an HTTP server again and again, each time on a new connection, and prints a line for every answer:
 * `node http-probe.ts URL INTERVAL_MS`. A line is `MILLISECONDS ok|failed`, in milliseconds since the Unix epoch.
 */
import { get } from 'node:http';

/** Milliseconds until a request without an answer is given up; others are sent meanwhile. */
const patience = 1000;

const [url = '', interval = '20'] = process.argv.slice(2);

const epoch = (): string => (performance.timeOrigin + performance.now()).toFixed(3);

const ask = (): void => {
  const request = get(url, { agent: false, timeout: patience }, (response) => {
    response.resume();
    response.once('end', () => process.stdout.write(`${epoch()} ok\n`));
  });
  request.once('timeout', () => request.destroy(new Error('no answer')));
  request.once('error', () => process.stdout.write(`${epoch()} failed\n`));
};

setInterval(ask, Number(interval));
