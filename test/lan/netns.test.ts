import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/command.ts';
import { connect, createNamespace, makeSwitch, plugIn, setNamespaceOwner } from '../support/netns.ts';
import { processIdOf } from '../support/process-id.ts';
import { requireTools } from '../support/tools.ts';

const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  if (isRoot) await requireTools(['arping', 'ip', 'sysctl']);
});

const namespaces = async (): Promise<string> => (await runCommand(['ip', 'netns', 'list'])).stdout;

test.runIf(isRoot)('two hosts on a switch hear each other until the plug is pulled', async () => {
  await using lan = await createNamespace('lan');
  await using a = await createNamespace('a');
  await using b = await createNamespace('b');
  await makeSwitch(lan);
  await plugIn(lan, 'a', a, 'eth0');
  await plugIn(lan, 'b', b, 'eth0');
  await a.addAddress('eth0', '192.0.2.1/24');
  await b.addAddress('eth0', '192.0.2.2/24');
  const ask = (): Promise<{ stdout: string }> =>
    a.exec(['arping', '-c', '1', '-w', '0.2', '-I', 'eth0', '192.0.2.2'], { check: false });
  expect((await ask()).stdout).toContain(await b.macOf('eth0'));
  await lan.setLink('b', 'down');
  expect((await ask()).stdout).toContain('0 packets received');
});

test.runIf(isRoot)('what runs in a namespace ends with it', async () => {
  const namespace = await createNamespace('short');
  const child = namespace.spawn(['sleep', '1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  // The program is inside only once `ip` has become it.
  await expect.poll(() => runCommand(['ip', 'netns', 'pids', namespace.name]).then((o) => o.stdout)).not.toBe('');
  await namespace[Symbol.asyncDispose]();
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(await namespaces()).not.toContain(namespace.name);
});

test.runIf(isRoot)('a namespace whose owner has ended is removed by the next program, others stay', async () => {
  await using mine = await createNamespace('mine');
  await using orphan = await createNamespace('orphan');
  const owner = spawn('sleep', ['1000']);
  await once(owner, 'spawn');
  setNamespaceOwner(orphan.name, processIdOf(owner.pid!)!);
  owner.kill();
  await once(owner, 'exit');
  const program = `import('${import.meta.dirname}/../support/netns.ts').then(async (m) => (await m.createNamespace('x'))[Symbol.asyncDispose]())`;
  await runCommand([process.execPath, '-e', program]);
  expect(await namespaces()).not.toContain(orphan.name);
  expect(await namespaces()).toContain(mine.name);
});

test.runIf(isRoot)('an error of a program inside says what was run and what it said', async () => {
  await using a = await createNamespace('a');
  await using b = await createNamespace('b');
  await connect(a, 'eth0', b, 'eth0');
  await expect(a.addAddress('eth0', '192.0.2.300/24')).rejects.toThrow(/ip -n .*\n.*192\.0\.2\.300/);
  const { code, stdout } = await a.exec(['sh', '-c', 'cat; exit 3'], { input: 'hello', check: false });
  expect({ code, stdout }).toEqual({ code: 3, stdout: 'hello' });
});
