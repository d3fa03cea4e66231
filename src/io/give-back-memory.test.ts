import { readFileSync } from 'node:fs';
import process from 'node:process';
import { expect, test } from 'vitest';
import { constantsOf, giveBackMemory } from './give-back-memory.ts';

const mapping = (range: string, access: string, path: string, anonymous: number): string =>
  [
    `${range} ${access} 00000000 fe:00 5310022                            ${path}`,
    'Rss:                4280 kB',
    `Anonymous:        ${String(anonymous).padStart(6)} kB`,
    'VmFlags: rd mr mw me',
    '',
  ].join('\n');

test('only what is mapped from the program, can be read alone and was never written to is a constant', () => {
  const smaps = [
    mapping('00400000-0082e000', 'r--p', '/usr/bin/node', 0),
    mapping('0082e000-03489000', 'r-xp', '/usr/bin/node', 0),
    mapping('072a7000-072dc000', 'r--p', '/usr/bin/node', 212),
    mapping('072dc000-072df000', 'rw-p', '/usr/bin/node', 0),
    mapping('7fef81be4000-7fef81c4a000', 'r--p', '/usr/lib/libc.so.6', 0),
    '7fffcd000000-7fffcd021000 rw-p 00000000 00:00 0 \nAnonymous:             0 kB\n',
  ].join('');
  expect(constantsOf(smaps, '/usr/bin/node')).toEqual([{ start: 0x40_0000n, length: 0x42_e000n }]);
});

test('this program has constants', () => {
  const ranges = constantsOf(readFileSync('/proc/self/smaps', 'utf8'), process.execPath);
  expect(Number(ranges.reduce((sum, { length }) => sum + length, 0n))).toBeGreaterThan(1 << 20);
});

test('giving memory back makes the process smaller, and it works as before', () => {
  const resident = (): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const before = resident();
  giveBackMemory();
  expect(resident()).toBeLessThan(before - 2048);
  expect(new Intl.DateTimeFormat('de', { month: 'long', timeZone: 'UTC' }).format(0)).toBe('Januar');
});
