import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(`${root}/docs/rfc-status.md`, 'utf8');

/** `arp/packet` as the page writes it is `src/proto/arp/packet.test.ts`. */
const fileOf = (short: string): string => {
  const [folder, name] = short.split('/') as [string, string];
  const places: Readonly<Record<string, string>> = { lan: 'test/lan', responder: 'speaker/responder' };
  return `${places[folder] ?? `src/proto/${folder}`}/${name}.test.ts`;
};

/** Whether a file has a test of that title; what a table fills in must stand in the file, too. */
const hasTest = (file: string, title: string): boolean => {
  const source = readFileSync(`${root}/${file}`, 'utf8');
  const written = [...source.matchAll(/^\s*test(?:\.each\b[\s\S]*?\))?\(\s*'([^'\n]+)'/gm)].map(([, text]) => text!);
  return written.some((text) => {
    const parts = text.split(/%[a-z]|\$[a-z]\w*/i).map((part) => RegExp.escape(part));
    const filledIn = new RegExp(`^${parts.join('(.+)')}$`).exec(title)?.slice(1);
    return filledIn?.every((part) => source.includes(`'${part}'`)) ?? false;
  });
};

/** Each test that the page names: a file, then titles until the next file. */
const proofs = [...page.matchAll(/([a-z]+\/[a-z-]+): ((?:_[^_\n]+_(?:[,;] (?=_))?)+)/g)].flatMap(([, short, titles]) =>
  [...titles!.matchAll(/_([^_]+)_/g)].map(([, title]) => ({ file: fileOf(short!), title: title! })),
);

test('every test that is named as a proof exists', () => {
  expect(proofs.length).toBeGreaterThan(60);
  const unknown = proofs.filter(({ file, title }) => !hasTest(file, title));
  expect(unknown).toEqual([]);
});

test('every demand has a status, and where that is not "yes" a reason', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:Section|-)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThan(50);
  for (const [, section, , status, reason] of rows) {
    expect(status, section).toMatch(/^(?:yes|deviates|never)$/);
    expect(reason!.length, section).toBeGreaterThan(20);
  }
});
