import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

const parse = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => parseOptions('1.2.3', argv, env);

test("MetalLB's own arguments and environment start the program without a warning", () => {
  const result = parse(['--port=9120', '--log-level=info'], {
    METALLB_NODE_NAME: 'n1',
    METALLB_POD_NAME: 'speaker-0',
    METALLB_HOST: '192.0.2.1',
    METALLB_ML_BIND_ADDR: '192.0.2.1',
    METALLB_ML_LABELS: '',
    METALLB_ML_SECRET_KEY_PATH: '/etc/ml_secret_key',
  });
  expect(result).toMatchObject({
    ok: true,
    value: {
      type: 'run',
      options: { 'node-name': 'n1', 'ml-labels': 'app=metallb,component=speaker', 'health-probe-port': 17_472 },
      warnings: [],
    },
  });
});

test('what asks for BGP or memberlist is said to have no effect', () => {
  const result = parse(['--node-name=n1', '--ml-wan-config', '--frrk8s-namespace=frr'], { METALLB_BGP_TYPE: 'frr' });
  expect(result.ok && result.value.type === 'run' && result.value.warnings).toEqual([
    '-ml-wan-config has no effect: who takes part is read from the API',
    '-frrk8s-namespace has no effect: there is no BGP yet',
    'METALLB_BGP_TYPE=frr: BGP is not spoken yet, services are announced by layer 2 alone; peers are checked as that type asks',
  ]);
});

test('without a node name it does not start', () =>
  expect(parse([])).toEqual({ ok: false, error: 'no node name: give --node-name or METALLB_NODE_NAME' }));
