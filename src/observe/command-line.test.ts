import { expect, test } from 'vitest';
import { flag } from '../lib/flags.ts';
import { commonFlags, parseCommandLine, switchWithoutEffect } from './command-line.ts';

const flags = {
  ...commonFlags,
  count: flag.int({ help: 'a number', fallback: 3 }),
  old: switchWithoutEffect('it is done'),
};
const parse = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  parseCommandLine({ name: 'tester', summary: 'is tested', version: '1.2.3' }, flags, argv, env);

test('a program gets its values, and no warning for what stands in the manifests of MetalLB', () => {
  const env = { METALLB_NAMESPACE: 'ours', METALLB_POD_NAME: 'p', METALLB_BGP_TYPE: 'native' };
  expect(parse(['--count=5', '--port=9120', '--log-level=info'], env)).toMatchObject({
    ok: true,
    value: { type: 'run', options: { count: 5, namespace: 'ours', port: 9120 }, warnings: [] },
  });
});

test('what has no effect is said', () => {
  expect(parse(['--old', '-pprof-bind-address=:1'], { METALLB_BGP_TYPE: 'frr-k8s' })).toMatchObject({
    value: {
      warnings: [
        '-pprof-bind-address has no effect: there is no pprof in this program',
        '-old has no effect: it is done',
        'METALLB_BGP_TYPE=frr-k8s: BGP is not spoken yet, services are announced by layer 2 alone; peers are checked as that type asks',
      ],
    },
  });
});

test('flags of TLS that do not fit are refused', () => {
  expect(parse(['--tls-min-version=VersionTLS13', '--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA'])).toEqual({
    ok: false,
    error: 'invalid value for flag -tls-cipher-suites: cipher suites cannot be configured with TLS 1.3',
  });
});

test('an unknown type of BGP is refused, an empty one is the native', () => {
  expect(parse([], { METALLB_BGP_TYPE: 'bird' })).toEqual({
    ok: false,
    error: 'invalid value "bird" of variable METALLB_BGP_TYPE: must be one of native, frr, frr-k8s',
  });
  expect(parse([], { METALLB_BGP_TYPE: '' })).toMatchObject({ ok: true, value: { warnings: [] } });
});

test('help lists the flags, the variable and the exit codes', () => {
  const help = parse(['--help']);
  const text = help.ok && help.value.type === 'print' ? help.value.text : '';
  expect(text).toMatch(/^tester: is tested\n\nFlags:\n/);
  expect(text).toMatch(/--old +accepted for compatibility, no effect: it is done\n/);
  expect(text).toMatch(
    /\n\nEnvironment:\n {2}METALLB_BGP_TYPE {2}native, frr, frr-k8s: how peers are checked; BGP is not/,
  );
  expect(text).toMatch(/\n\nExit codes:\n {2}0 {2}ended by SIGTERM or SIGINT\n {2}1 .*\n {2}2 .*\n$/);
});
