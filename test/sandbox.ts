/** The sandbox from the command line: `npm run sandbox -- up`; `--help` tells the rest. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { parseSandboxArguments, type SandboxCommand, usage } from './support/sandbox/arguments.ts';
import { attachSandbox, type Sandbox } from './support/sandbox/sandbox.ts';
import { SandboxOptionsError, startSandbox } from './support/sandbox/start.ts';
import { UnknownHostError } from './support/lan/lan.ts';
import { findProgram } from './support/tools.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const complain = (sentence: string): void => {
  const isTerminal = process.stderr.isTTY;
  process.stderr.write(`${isTerminal ? '\u001B[31m' : ''}sandbox: ${sentence}${isTerminal ? '\u001B[39m' : ''}\n`);
};

/** Does what the command line asks for; resolves with the exit code. */
const run = async (command: SandboxCommand): Promise<number> => {
  switch (command.type) {
    case 'help':
      process.stdout.write(usage);
      break;
    case 'up':
      return up(command);
    case 'env':
      printEnvironment(attachSandbox(command.name));
      break;
    case 'exec':
      return exec(attachSandbox(command.name), command.host, command.argv);
    case 'unplug':
    case 'plug':
      await attachSandbox(command.name)[command.type](command.host);
      break;
    case 'down':
      await attachSandbox(command.name).down();
  }
  return 0;
};

const up = async (command: Extract<SandboxCommand, { type: 'up' }>): Promise<number> => {
  const start = performance.now();
  const control = new AbortController();
  const stop = (): void => control.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { type: _, subnet, ...rest } = command;
  const sandbox = await startSandbox({
    ...rest,
    ...(subnet === undefined ? {} : { subnet }),
    endsWithOwner: false,
    log: say,
    signal: control.signal,
  });
  const name = command.name === 'default' ? '' : ` --name ${command.name}`;
  say(
    `The sandbox is up after ${((performance.now() - start) / 1000).toFixed(1)} s. Addresses that are free on its LAN:`,
  );
  say(`  ${sandbox.pool.IPv4}  ${sandbox.pool.IPv6}`);
  say('Next:');
  say(`  eval "$(npm run --silent sandbox -- env${name})" && kubectl get nodes`);
  say(`  npm run sandbox -- exec${name} client -- ip address`);
  say(`  npm run sandbox -- down${name}`);
  return 0;
};

const printEnvironment = (sandbox: Sandbox): void => {
  say(`export KUBECONFIG=${sandbox.kubeconfig}`);
  if (findProgram('kubectl') === undefined) say(`export PATH="$PATH:${sandbox.programsFolder}"`);
};

/** Runs a command on a host with this terminal as its own; ends as the command does. */
const exec = async (sandbox: Sandbox, host: string, argv: readonly string[]): Promise<number> => {
  const child = sandbox.spawn(host, argv, { stdio: 'inherit' });
  // The terminal sends its signals to the command as well, which decides what they mean.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
};

const command = parseSandboxArguments(process.argv.slice(2));
if (command.ok) {
  try {
    process.exitCode = await run(command.value);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exitCode = error instanceof SandboxOptionsError || error instanceof UnknownHostError ? 2 : 1;
  }
} else {
  complain(`${command.error}\n\n${usage}`);
  process.exitCode = 2;
}
