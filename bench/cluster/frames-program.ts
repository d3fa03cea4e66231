/**
 * Captures every ARP frame until standard input ends, and prints `{frames: [{at, mac, address}]}`: the kernel's time in
 * ms since the epoch, the sender hardware address and the sender protocol address, or the one that is probed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const child = spawn('tcpdump', ['-i', 'eth0', '-n', '-l', '-e', '-tt', '--immediate-mode', 'arp'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const frames: { at: number; mac: string; address: string }[] = [];
createInterface(child.stdout).on('line', (line) => {
  // 1700000000.123456 SOURCE > DESTINATION, ethertype ARP (0x0806), length 42: Request who-has A tell B, length 28
  const { time, mac, target, request, reply } =
    /^(?<time>\d+\.\d+) (?<mac>[0-9a-f:]{17}) > .*: (?:Request who-has (?<target>[\d.]+)(?: \(\S+\))? tell (?<request>[\d.]+)|Reply (?<reply>[\d.]+) is-at)/.exec(
      line,
    )?.groups ?? {};
  const address = request === '0.0.0.0' ? target : (request ?? reply);
  if (mac !== undefined && address !== undefined) frames.push({ at: Number(time) * 1000, mac, address });
});
process.stdin.resume();
await once(process.stdin, 'end');
child.kill();
await once(child, 'close');
process.stdout.write(JSON.stringify({ frames }));
