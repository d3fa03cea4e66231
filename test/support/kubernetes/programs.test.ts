import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findPrograms } from './programs.ts';
import { architecture, kubernetesPrograms, kubernetesVersion } from './version.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metallb-ts-programs-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const put = (...path: readonly string[]): string => {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return file;
};

test('the module that builds Kubernetes has the version that the sandbox names', () => {
  const goMod = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');
  expect(/^\s*k8s\.io\/kubernetes (\S+)/m.exec(goMod)?.[1]).toBe(kubernetesVersion);
});

test('a named folder comes before the cache, and etcd may be on the search path', async () => {
  vi.stubEnv('METALLB_KUBERNETES_DIR', join(folder, 'named'));
  vi.stubEnv('KUBEBUILDER_ASSETS', join(folder, 'assets'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.stubEnv('PATH', join(folder, 'bin'));
  for (const program of kubernetesPrograms) {
    put('cache/metallb-ts/kubernetes', kubernetesVersion, `linux-${architecture}`, program);
  }
  const apiServer = put('named', 'kube-apiserver');
  put('assets', 'kube-apiserver');
  const kubectl = put('assets', 'kubectl');
  const etcd = put('bin', 'etcd');
  const said: string[] = [];
  expect(await findPrograms((line) => said.push(line))).toMatchObject({
    'kube-apiserver': apiServer,
    kubectl,
    'kube-proxy': join(folder, 'cache/metallb-ts/kubernetes', kubernetesVersion, `linux-${architecture}/kube-proxy`),
    etcd,
  });
  expect(said).toEqual([]);
});
