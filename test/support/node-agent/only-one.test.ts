import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processIdOf } from '../process-id.ts';
import { silentLog } from '../silent-log.ts';
import { becomeOnlyAgent } from './only-one.ts';

test('a node agent waits for the one before it to end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'metallb-ts-agent-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const owner = (): number => (JSON.parse(readFileSync(join(dir, 'agent.json'), 'utf8')) as { pid: number }).pid;
  const before = spawn('sleep', ['1000']);
  await once(before, 'spawn');
  writeFileSync(join(dir, 'agent.json'), JSON.stringify(processIdOf(before.pid!)));
  const said: string[] = [];
  const taken = becomeOnlyAgent(dir, { ...silentLog, warn: (message) => said.push(message) });
  expect(said).toEqual(['waiting for another node agent to end']);
  expect(owner()).toBe(before.pid);
  before.kill();
  await taken;
  expect(owner()).toBe(process.pid);
});
