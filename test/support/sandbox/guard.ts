/**
 * Takes a sandbox down when its owner ends, however it ends: `node guard.ts NAME`. Its standard input is a pipe that the
 * owner holds open.
 */
import { sandboxOf } from './sandbox.ts';
import { readState } from './state.ts';

const [name = ''] = process.argv.slice(2);

process.stdin.resume();
process.stdin.once('close', () => {
  const state = readState(name);
  if (state !== undefined) void sandboxOf(state).down();
});
