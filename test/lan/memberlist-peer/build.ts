import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { runCommand } from '../../support/command.ts';
import { findProgram, MissingToolsError } from '../../support/tools.ts';

const sources = ['go.mod', 'go.sum', 'main.go'];

/** Where Go is when it is not on the search path: the place of its own installer, and of Debian's newer packages. */
const otherPlaces = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'];

/**
 * The program beside this file, built with Go unless the user's cache has it for these sources. Modules come through
 * Go's own proxy setting.
 */
export const buildMemberlistPeer = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(join(import.meta.dirname, source)));
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'metallb-ts', 'memberlist-peer', hash.digest('hex').slice(0, 16));
  const program = join(folder, 'memberlist-peer');
  if (existsSync(program)) return program;
  const go = findProgram('go') ?? otherPlaces.find((place) => existsSync(place));
  if (go === undefined) {
    throw new MissingToolsError(
      'no Go to build a member of the original; install Go 1.20 or newer (https://go.dev/dl)',
    );
  }
  mkdirSync(folder, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const env = { ...process.env, CGO_ENABLED: '0' };
  await runCommand([go, 'build', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, '.'], {
    cwd: import.meta.dirname,
    env,
    timeout: 600_000,
  });
  renameSync(unfinished, program);
  return program;
};
