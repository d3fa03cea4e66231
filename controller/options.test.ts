import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

const parse = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => parseOptions('1.2.3', argv, env);

test("MetalLB's own arguments and environment start the program", () => {
  const result = parse(
    ['--port=9120', '--log-level=info', '--webhook-mode=disabled', '-tls-min-version=VersionTLS12'],
    {
      METALLB_POD_NAME: 'controller-0',
      METALLB_ML_SECRET_NAME: 'memberlist',
      METALLB_DEPLOYMENT: 'controller',
    },
  );
  expect(result).toMatchObject({
    ok: true,
    value: {
      type: 'run',
      options: { port: 9120, 'ml-secret-name': 'memberlist', deployment: 'controller', 'health-probe-port': 17472 },
      warnings: [],
    },
  });
});

test('help says which flags have no effect', () => {
  const result = parse(['--help']);
  const text = result.ok && result.value.type === 'print' ? result.value.text : '';
  expect(text).toMatch(/--lb-class string +handle services/);
  expect(text).toMatch(/--pprof-bind-address string +accepted for compatibility, no effect/);
});

test.each([
  [
    ['--log-level=loud'],
    'invalid value "loud" for flag -log-level: must be one of all, debug, info, warn, error, none',
  ],
  [['--webhook-mode=on'], 'invalid value "on" for flag -webhook-mode: must be one of enabled, disabled, onlywebhook'],
  [
    ['--ml-secret-name=memberlist'],
    'the Secret needs an owner: give --deployment or METALLB_DEPLOYMENT beside --ml-secret-name',
  ],
  [['--port=70000'], 'invalid value "70000" for flag -port: must be from 0 to 65535'],
])('%j is refused', (argv, error) => expect(parse(argv)).toEqual({ ok: false, error }));
