import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/command.ts';

const project = resolve(import.meta.dirname, '../..');

/** Each layer with the folders it may import from. */
const layers: Readonly<Record<string, readonly string[]>> = {
  'src/lib': [],
  'src/proto': ['src/lib'],
  'src/domain': ['src/lib'],
  'src/io': ['src/lib', 'src/proto'],
  'src/k8s': ['src/lib', 'src/domain'],
  'src/observe': ['src/lib'],
  controller: ['src/lib', 'src/proto', 'src/domain', 'src/io', 'src/k8s', 'src/observe'],
  speaker: ['src/lib', 'src/proto', 'src/domain', 'src/io', 'src/k8s', 'src/observe'],
};

/** Packages that only one side of the program may know, with the layers that must not. */
const packages: Readonly<Record<string, readonly string[]>> = {
  'node:net': ['src/lib', 'src/proto', 'src/domain'],
  koffi: Object.keys(layers).filter((layer) => layer !== 'src/io'),
  pino: ['src/lib', 'src/proto', 'src/domain', 'src/io', 'src/k8s'],
  'prom-client': ['src/lib', 'src/proto', 'src/domain', 'src/io', 'src/k8s'],
  '@kubernetes/client-node': ['src/lib', 'src/proto', 'src/domain', 'src/io', 'src/observe'],
};

const folders = [...Object.keys(layers), 'test', 'bench', 'manifests', '.ci'];

/** The ways in which a file can depend on another. */
const forms: readonly ((from: string) => string)[] = [
  (from) => `import { value } from '${from}';\nexport const copy = value;\n`,
  (from) => `import type { Value } from '${from}';\nexport type Copy = Value;\n`,
  (from) => `export { value } from '${from}';\n`,
];

type Probe = { readonly file: string; readonly source: string; readonly says: string };

/** A file at the top of a layer and one two folders down, importing from `target` in every form. */
const probes = (layer: string, target: string): readonly Probe[] =>
  ['', 'one/two/'].flatMap((below) =>
    forms.map((form, n) => {
      const isOurs = folders.includes(target);
      const up = '../'.repeat(`${layer}/${below}`.split('/').length - 1);
      return {
        file: `${layer}/${below}${target.replaceAll(/\W/g, '-')}-${n}.ts`,
        source: form(isOurs ? `${up}${target}/value.ts` : target),
        says: `${layer}/${below} imports ${target}, form ${n}`,
      };
    }),
  );

const pairs = Object.entries(layers).flatMap(([layer, allowed]) =>
  folders
    .filter((target) => target !== layer)
    .map((target) => ({ layer, target, isAllowed: allowed.includes(target) })),
);

const foreign = Object.entries(packages).flatMap(([target, forbidden]) =>
  Object.keys(layers).map((layer) => ({ layer, target, isAllowed: !forbidden.includes(layer) })),
);

const others: Readonly<Record<string, string>> = {
  'src/lib/cycle-a.ts': "import { b } from './cycle-b.ts';\nexport const a = (): number => b();\n",
  'src/lib/cycle-b.ts': "import { a } from './cycle-a.ts';\nexport const b = (): number => a();\n",
  'src/lib/types-a.ts': "import type { B } from './types-b.ts';\nexport type A = { readonly b?: B };\n",
  'src/lib/types-b.ts': "import type { A } from './types-a.ts';\nexport type B = { readonly a?: A };\n",
  'src/domain/clock.ts': 'export const now = (): number => Date.now();\n',
  'src/proto/timer.ts': 'export const later = (act: () => void): unknown => setTimeout(act, 1);\n',
  'src/lib/chance.ts': 'export const chance = (): number => Math.random();\n',
  'src/k8s/floating.ts':
    'const work = async (): Promise<void> => {};\nexport const start = (): void => {\n  work();\n};\n',
  'src/domain/clean.test.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
};

let folder: string;
/** The rules that each file breaks, as `plugin(rule)`. */
const found = new Map<string, Set<string>>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'metallb-ts-layers-'));
  for (const file of ['.oxlintrc.jsonc', 'tsconfig.json', 'package.json']) {
    copyFileSync(join(project, file), join(folder, file));
  }
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  const write = (file: string, source: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), source);
  };
  for (const name of folders) write(`${name}/value.ts`, 'export const value = 1;\nexport type Value = number;\n');
  for (const { layer, target } of [...pairs, ...foreign]) {
    for (const { file, source } of probes(layer, target)) write(file, source);
  }
  for (const [file, source] of Object.entries(others)) write(file, source);
  const { stdout } = await runCommand(['oxlint', '--format=json'], { cwd: folder, check: false, timeout: 120_000 });
  const report = JSON.parse(stdout) as { diagnostics: readonly { code: string; filename: string }[] };
  for (const { code, filename } of report.diagnostics) {
    found.set(filename, (found.get(filename) ?? new Set()).add(code));
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

const restrictedImport = 'eslint(no-restricted-imports)';

test.each(pairs)('$layer may import $target: $isAllowed', ({ layer, target, isAllowed }) => {
  for (const { file, says } of probes(layer, target)) {
    expect(found.get(file)?.has(restrictedImport) ?? false, says).toBe(!isAllowed);
  }
});

test.each(foreign)('$layer may import $target: $isAllowed', ({ layer, target, isAllowed }) => {
  for (const { file, says } of probes(layer, target)) {
    expect(found.get(file)?.has(restrictedImport) ?? false, says).toBe(!isAllowed);
  }
});

test.each([
  ['src/lib/cycle-a.ts', 'import(no-cycle)'],
  ['src/lib/types-a.ts', 'import(no-cycle)'],
  ['src/domain/clock.ts', 'eslint(no-restricted-globals)'],
  ['src/proto/timer.ts', 'eslint(no-restricted-globals)'],
  ['src/lib/chance.ts', 'eslint(no-restricted-properties)'],
  ['src/k8s/floating.ts', 'typescript(no-floating-promises)'],
])('%s breaks %s', (file, rule) => {
  expect([...(found.get(file) ?? [])]).toContain(rule);
});

test('a test in the pure core may read a file', () => {
  expect(found.get('src/domain/clean.test.ts')?.has(restrictedImport) ?? false).toBe(false);
});
