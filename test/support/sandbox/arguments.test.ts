import { expect, test } from 'vitest';
import { parseSandboxArguments } from './arguments.ts';

const parsed = (line: string): unknown => {
  const command = parseSandboxArguments(line.split(' ').filter((word) => word !== ''));
  return command.ok ? command.value : command.error;
};

test('up has defaults for everything', () => {
  expect(parsed('up')).toEqual({
    type: 'up',
    name: 'default',
    nodes: 3,
    nics: 1,
    subnet: undefined,
    proxyMode: 'nftables',
  });
  expect(parsed('up --nodes 5 --nics=2 --subnet 192.168.1.0/24 --name x --proxy-mode iptables')).toEqual({
    type: 'up',
    name: 'x',
    nodes: 5,
    nics: 2,
    subnet: '192.168.1.0/24',
    proxyMode: 'iptables',
  });
});

test.each([
  ['env', { type: 'env', name: 'default' }],
  ['down --name x', { type: 'down', name: 'x' }],
  ['unplug n1', { type: 'unplug', name: 'default', host: 'n1' }],
  ['plug --name x n1', { type: 'plug', name: 'x', host: 'n1' }],
  [
    'exec client -- curl -s --name http://x',
    { type: 'exec', name: 'default', host: 'client', argv: ['curl', '-s', '--name', 'http://x'] },
  ],
  ['exec --name x n1 -- ip neigh', { type: 'exec', name: 'x', host: 'n1', argv: ['ip', 'neigh'] }],
  ['exec client ip neigh', { type: 'exec', name: 'default', host: 'client', argv: ['ip', 'neigh'] }],
  ['exec client -- sh -- -c', { type: 'exec', name: 'default', host: 'client', argv: ['sh', '--', '-c'] }],
  ['exec client -- kubectl --help', { type: 'exec', name: 'default', host: 'client', argv: ['kubectl', '--help'] }],
  ['--help', { type: 'help' }],
  ['up --help', { type: 'help' }],
])('%s', (line, command) => expect(parsed(line)).toEqual(command));

test.each([
  ['', 'a command is missing: up, env, exec, unplug, plug or down'],
  ['start', 'there is no command "start"; the commands are up, env, exec, unplug, plug and down'],
  ['up 3', 'up takes options only, not 3'],
  ['up --nodes three', '--nodes must be a number, not "three"'],
  ['up --nics -1', "Option '--nics' argument is ambiguous"],
  ['up --node 3', "Unknown option '--node'"],
  ['up --proxy-mode ipvs', '--proxy-mode must be nftables or iptables, not ipvs'],
  ['down n1', 'down takes no argument, not n1'],
  ['unplug', 'unplug takes one host, for example: unplug n1'],
  ['plug n1 n2', 'plug takes one host, for example: plug n1'],
  ['exec client --', 'exec takes a host and a command, for example: exec client -- ip neighbour'],
  ['exec', 'exec takes a host and a command, for example: exec client -- ip neighbour'],
])('"%s" is refused', (line, sentence) => expect(parsed(line)).toBe(sentence));
