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
      options: {
        'node-name': 'n1',
        'pod-name': 'speaker-0',
        'health-probe-port': 17_472,
        election: 'balanced',
        rebalance: true,
        'address-probes': true,
        'beacon-port': 7947,
        'ml-bindaddr': '192.0.2.1',
        'ml-bindport': 7946,
        'ml-labels': 'app=metallb,component=speaker',
        'ml-secret-key-path': '/etc/ml_secret_key',
        'ml-wan-config': false,
      },
      warnings: [],
    },
  });
});

test('what asks for BGP is said to have no effect', () => {
  const result = parse(['--node-name=n1', '--frrk8s-namespace=frr'], { METALLB_BGP_TYPE: 'frr' });
  expect(result.ok && result.value.type === 'run' && result.value.warnings).toEqual([
    '-frrk8s-namespace has no effect: there is no BGP yet',
    'METALLB_BGP_TYPE=frr: BGP is not spoken yet, services are announced by layer 2 alone; peers are checked as that type asks',
  ]);
});

test('what is done on the LAN can be switched off', () =>
  expect(
    parse([
      '--node-name=n1',
      '--election=metallb',
      '--rebalance=false',
      '--address-probes=false',
      '--beacon-port=8000',
    ]),
  ).toMatchObject({
    ok: true,
    value: { options: { election: 'metallb', rebalance: false, 'address-probes': false, 'beacon-port': 8000 } },
  }));

test.each([
  [[], {}, 'no node name: give --node-name or METALLB_NODE_NAME'],
  [['--ml-bindaddr=eth0'], {}, 'invalid value "eth0" for flag -ml-bindaddr: not an IP address'],
  [
    ['--beacon-port=7946'],
    {},
    '-beacon-port and -ml-bindport are both 7946: memberlist and beacons need a UDP port each',
  ],
  [
    [],
    { METALLB_ML_BIND_PORT: '70000' },
    'invalid value "70000" of variable METALLB_ML_BIND_PORT: must be from 1 to 65535',
  ],
] as const)('it does not start with %j %j', (argv, env, error) => {
  const named = error.startsWith('no node name') ? argv : ['--node-name=n1', ...argv];
  expect(parse(named, env)).toEqual({ ok: false, error });
});
