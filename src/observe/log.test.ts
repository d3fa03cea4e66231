import { expect, test } from 'vitest';
import { createLog, type LogLevel } from './log.ts';

/** A log and what it wrote, one parsed object per line. */
const rig = (level: LogLevel = 'info') => {
  const lines: string[] = [];
  const log = createLog({ level, fields: { caller: 'main' }, sink: { write: (line) => lines.push(line) } });
  return { log, written: () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>) };
};

test('a line is JSON with level, time, the fields and the message', () => {
  const { log, written } = rig();
  log.info('address assigned', { service: 'shop/web' });
  const [line] = written();
  expect(line).toEqual({
    level: 'info',
    ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    caller: 'main',
    service: 'shop/web',
    msg: 'address assigned',
  });
});

test('a child adds its fields to every line', () => {
  const { log, written } = rig();
  log.child({ path: '/x' }).child({ key: 'a' }).warn('again');
  expect(written()).toMatchObject([{ level: 'warn', caller: 'main', path: '/x', msg: 'again' }]);
});

test.each([
  ['all', ['debug', 'info', 'warn', 'error']],
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['none', []],
] as const)('the level %s lets %j through', (level, wanted) => {
  const { log, written } = rig(level);
  for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]('x');
  expect(written().map((line) => line['level'])).toEqual(wanted);
});

test('an error is written with its causes', () => {
  const { log, written } = rig();
  log.error('failed', { error: new TypeError('outer', { cause: new Error('inner') }) });
  expect(written()).toMatchObject([
    { error: { name: 'TypeError', message: 'outer', cause: { name: 'Error', message: 'inner' } } },
  ]);
});

test('secrets are not written', () => {
  const { log, written } = rig();
  log.info('x', { token: 'abc', headers: { authorization: 'Bearer abc' }, name: 'kept' });
  log.child({ password: 'abc' }).info('y');
  const lines = written();
  expect(JSON.stringify(lines)).not.toContain('abc');
  expect(lines[0]).toMatchObject({ token: '[redacted]', headers: { authorization: '[redacted]' }, name: 'kept' });
});
