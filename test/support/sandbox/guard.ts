/**
 * Takes a sandbox down when its owner ends, however it ends: `node guard.ts NAME`. Its standard input is a pipe that the
 * owner holds open.
 */
import { attachSandbox } from './sandbox.ts';

const [name = ''] = process.argv.slice(2);

process.stdin.resume();
process.stdin.once('close', () => {
  void attachSandbox(name).down();
});
