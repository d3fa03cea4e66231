import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flag, parseFlags } from './flags.ts';
import { seconds } from './time.ts';

const program = { name: 'metallb-test', summary: 'tests flags', version: '1.2.3' };
const flags = {
  namespace: flag.string({ help: 'where we live', fallback: '', env: 'METALLB_NAMESPACE' }),
  port: flag.int({ help: 'metrics port', fallback: 9120, min: 0, max: 65_535, env: 'PORT' }),
  'lb-class': flag.string({ help: 'class of services', fallback: '' }),
  'webhook-http2': flag.bool({ help: 'offer HTTP/2', fallback: false }),
  'log-level': flag.enum({ help: 'what to log', fallback: 'info', values: ['all', 'info', 'none'] }),
  grace: flag.duration({ help: 'time to end', fallback: seconds(10) }),
};

const read = (argv: string[], env: Record<string, string> = {}) => parseFlags(program, flags, argv, env);
const values = (argv: string[], env: Record<string, string> = {}) => {
  const result = read(argv, env);
  if (!result.ok || result.value.type !== 'run') throw new Error(JSON.stringify(result));
  return result.value.values;
};
const error = (argv: string[], env: Record<string, string> = {}) => {
  const result = read(argv, env);
  return result.ok ? undefined : result.error;
};

test('without arguments, every flag has its default', () => {
  expect(values([])).toEqual({
    namespace: '',
    port: 9120,
    'lb-class': '',
    'webhook-http2': false,
    'log-level': 'info',
    grace: 10_000,
  });
});

test.each([[['-port=1']], [['--port=1']], [['-port', '1']], [['--port', '1']], [['--port=2', '--port=1']]])(
  '%j sets the port',
  (argv) => {
    expect(values(argv).port).toBe(1);
  },
);

test('a value may be empty, begin with a dash or contain an equals sign and lines', () => {
  expect(values(['--lb-class='])['lb-class']).toBe('');
  expect(values(['--lb-class', '-x'])['lb-class']).toBe('-x');
  expect(values(['--lb-class=a=b\nc'])['lb-class']).toBe('a=b\nc');
});

test.each([
  [['--webhook-http2'], true],
  [['-webhook-http2=true'], true],
  [['-webhook-http2=T'], true],
  [['-webhook-http2=0'], false],
  [['--webhook-http2', '--webhook-http2=false'], false],
])('%j is %j', (argv, wanted) => {
  expect(values(argv)['webhook-http2']).toBe(wanted);
});

test('a boolean does not take the next argument', () => {
  expect(error(['--webhook-http2', 'false'])).toBe('unexpected argument: false');
});

test('two dashes end the flags', () => {
  expect(values(['--port=1', '--']).port).toBe(1);
  expect(error(['--', 'x'])).toBe('unexpected argument: x');
});

test.each([
  [['--nonsense=1'], 'flag provided but not defined: -nonsense'],
  [['--toString'], 'flag provided but not defined: -toString'],
  [['--port'], 'flag needs an argument: -port'],
  [['--port=x'], 'invalid value "x" for flag -port: parse error'],
  [['--port='], 'invalid value "" for flag -port: parse error'],
  [['--port=1.5'], 'invalid value "1.5" for flag -port: parse error'],
  [['--port=65536'], 'invalid value "65536" for flag -port: must be from 0 to 65535'],
  [['--log-level=loud'], 'invalid value "loud" for flag -log-level: must be one of all, info, none'],
  [['--webhook-http2=maybe'], 'invalid value "maybe" for flag -webhook-http2: parse error'],
  [['--grace=10'], 'invalid value "10" for flag -grace: parse error'],
  [['---port=1'], 'bad flag syntax: ---port=1'],
  [['--=1'], 'bad flag syntax: --=1'],
  [['stray'], 'unexpected argument: stray'],
])('%j is refused', (argv, wanted) => {
  expect(error(argv)).toBe(wanted);
});

describe('environment', () => {
  test('a variable is the default of its flag', () => {
    expect(values([], { METALLB_NAMESPACE: 'metallb-system', PORT: '7' })).toMatchObject({
      namespace: 'metallb-system',
      port: 7,
    });
  });

  test('a flag wins over its variable', () => {
    expect(values(['--port=8'], { PORT: '7' }).port).toBe(8);
  });

  test('a variable that is set but empty counts as not set', () => {
    expect(values([], { PORT: '' }).port).toBe(9120);
  });

  test('a bad variable is named', () => {
    expect(error([], { PORT: 'x' })).toBe('invalid value "x" of variable PORT: parse error');
  });
});

test('help has one line for each flag, with default and variable', () => {
  expect(read(['--help'])).toEqual({
    ok: true,
    value: {
      type: 'print',
      text: [
        'metallb-test: tests flags',
        '',
        'Flags:',
        '  --namespace string         where we live (env METALLB_NAMESPACE)',
        '  --port int                 metrics port (default 9120, env PORT)',
        '  --lb-class string          class of services',
        '  --webhook-http2            offer HTTP/2',
        '  --log-level all|info|none  what to log (default info)',
        '  --grace duration           time to end (default 10s)',
        '  --help                     print this text',
        '  --version                  print the version',
        '',
      ].join('\n'),
    },
  });
  expect(read(['-h'])).toEqual(read(['--help']));
});

test('version prints one line', () => {
  expect(read(['--version'])).toEqual({ ok: true, value: { type: 'print', text: 'metallb-test 1.2.3\n' } });
});

test('whatever the arguments are, reading them does not throw', () =>
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('--port', '--', '-', '--grace=', '-h'))), (argv) => {
      expect(() => read(argv)).not.toThrow();
    }),
  ));
