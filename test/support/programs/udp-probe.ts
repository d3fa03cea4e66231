/**
 * Sends a UDP request again and again from one port, and prints a line for every answer:
 * `node udp-probe.ts ADDRESS PORT INTERVAL_MS`. A line is `NUMBER SENT ANSWERED`: the number of the request, from 0
 * without a gap, and two times in milliseconds since the Unix epoch. The far end answers `echo TEXT` with the text.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const [address = '', port = '', interval = '5'] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
const epoch = (): string => (performance.timeOrigin + performance.now()).toFixed(3);

let number = 0;
let lines = '';

socket.on('message', (answer) => {
  lines += `${answer.toString()} ${epoch()}\n`;
});
// What has no way to go, as while nobody answers ARP, is a request without an answer.
socket.on('error', () => undefined);

// By the clock, not by turns: a late turn makes up for the requests it missed.
const start = performance.now();
setInterval(() => {
  while (start + number * Number(interval) <= performance.now()) {
    socket.send(`echo ${number} ${epoch()}`, Number(port), address, () => undefined);
    number += 1;
  }
  if (lines === '') return;
  process.stdout.write(lines);
  lines = '';
}, Number(interval));
