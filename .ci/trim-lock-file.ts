/**
 * Takes the `engines` of dependencies out of package-lock.json. Under an old Node, which only starts npm here, npm up
 * to version 10 would leave out the optional packages whose engines it does not meet: the native halves of our programs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const file = resolve(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { engines?: unknown }> };
for (const [path, entry] of Object.entries(lock.packages)) if (path !== '') delete entry.engines;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
