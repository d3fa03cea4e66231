/** Bundles the programs into `dist/controller` and `dist/speaker`: each folder is all that an image needs beside Node. */
import { cpSync, globSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const project = resolve(import.meta.dirname, '..');

/** Bundles one program: file names without suffix, and what they begin with. */
const bundle = (outdir: string, entryPoints: Readonly<Record<string, string>>): Promise<unknown> =>
  build({
    absWorkingDir: project,
    entryPoints,
    outdir,
    bundle: true,
    // What only some need, for a kubeconfig or the old ConfigMap, goes into files of its own that others do not load.
    splitting: true,
    chunkNames: '[name]-[hash]',
    platform: 'node',
    target: 'node26',
    format: 'esm',
    // Names stay: stack traces in the logs show them.
    minifySyntax: true,
    minifyWhitespace: true,
    // Some packages are CommonJS and call require, which a module does not have.
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });

await bundle('dist/controller', { main: 'controller/main.ts' });
// On its own, so that it shares no file with the controller, which would load what it does not need.
await bundle('dist/controller', { convert: 'controller/convert/main.ts' });
await bundle('dist/speaker', { main: 'speaker/main.ts' });
// On its own, so that the second thread loads nothing of the first.
await bundle('dist/speaker', { responder: 'speaker/responder/thread.ts' });
// A process of its own: it alone has the library for X.509.
for (const program of ['controller', 'speaker']) {
  await bundle(`dist/${program}`, { issuing: 'src/observe/x509/issuing-program.ts' });
}

for (const program of ['controller', 'speaker']) {
  writeFileSync(join(project, 'dist', program, 'package.json'), '{"type":"module"}\n');
}
// The native halves of koffi, of this architecture or all that are installed, where koffi looks for them.
for (const folder of globSync('node_modules/@koromix/koffi-linux-*', { cwd: project })) {
  cpSync(join(project, folder), join(project, 'dist/speaker', folder), { recursive: true });
}
