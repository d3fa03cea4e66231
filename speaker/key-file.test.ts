import { expect, test } from 'vitest';
import type { Log } from '../src/lib/log.ts';
import { seconds } from '../src/lib/time.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { openKeyFile } from './key-file.ts';

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

const rig = async (first: string) => {
  const clock = fakeClock();
  let content: string | undefined = first;
  const changes: string[] = [];
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const ending = new AbortController();
  const file = await openKeyFile({
    folder: '/etc/ml_secret_key',
    clock,
    log,
    onChange: (secret) => changes.push(new TextDecoder().decode(secret)),
    read: async (path) => {
      expect(path).toBe('/etc/ml_secret_key/secretkey');
      if (content === undefined) throw new Error('ENOENT');
      return octets(content);
    },
  });
  const running = file.run(ending.signal);
  return {
    file,
    changes,
    warnings,
    write: async (now: string | undefined) => {
      content = now;
      await clock.advanceAsync(seconds(5));
    },
    end: async () => {
      ending.abort();
      await running;
    },
  };
};

test('a new content is told within five seconds, once', async () => {
  const { file, changes, write, end } = await rig('old\n');
  expect(file.secret).toEqual(octets('old\n'));
  await write('old\n');
  expect(changes).toEqual([]);
  await write('new');
  await write('new');
  expect(changes).toEqual(['new']);
  await end();
});

test('while it cannot be read, or is empty, the key in use stays', async () => {
  const { changes, warnings, write, end } = await rig('old');
  await write(undefined);
  await write('');
  await write('old');
  expect(changes).toEqual([]);
  expect(warnings).toEqual(['the key cannot be read']);
  await write(undefined);
  expect(warnings).toHaveLength(2);
  await end();
});

test('without a key in the file the speaker does not start', async () => {
  await expect(rig('')).rejects.toThrow('/etc/ml_secret_key/secretkey is empty');
});
