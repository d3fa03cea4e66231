import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VolumePayload } from './volume-payload.ts';

/** Who owns the files of a volume: `fsGroup` may read them whatever their mode. */
export type VolumeOwner = { readonly uid?: number | undefined; readonly fsGroup?: number | undefined };

/**
 * Replaces the files of a volume in one step, as the kubelet's AtomicWriter does: they lie in a folder with a time for
 * its name, `..data` points to that folder, and each visible name points through `..data`. A reader sees the old files or
 * the new ones, never a mixture.
 */
export const writeVolume = async (dir: string, payload: VolumePayload, owner: VolumeOwner): Promise<void> => {
  const time = new Date().toISOString().replaceAll(/[-:]/g, '_').replace('T', '_').replace('Z', '');
  // The kubelet's clock is finer; two writes of one millisecond must not share a folder.
  const stamp = `..${time}${randomBytes(3).toString('hex')}`;
  const fresh = join(dir, stamp);
  await makeFolder(dir, owner);
  const before = await readlink(join(dir, '..data')).catch(() => undefined);
  await makeFolder(fresh, owner);
  for (const [path, { content, mode }] of payload) {
    const file = join(fresh, path);
    for (const folder of parents(path)) await makeFolder(join(fresh, folder), owner);
    await writeFile(file, content);
    await chown(file, owner.uid ?? 0, owner.fsGroup ?? 0);
    await chmod(file, owner.fsGroup === undefined ? mode : mode | 0o440);
  }
  await symlink(stamp, join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  const visible = new Set([...payload.keys()].map((path) => path.split('/', 1)[0] as string));
  for (const name of await readdir(dir)) {
    const isOurs = !name.startsWith('..') && (await readlink(join(dir, name)).catch(() => '')).startsWith('..data/');
    if (isOurs && !visible.has(name)) await rm(join(dir, name));
    else visible.delete(name);
  }
  for (const name of visible) await symlink(`..data/${name}`, join(dir, name));
  if (before !== undefined) await rm(join(dir, before), { recursive: true, force: true });
};

/** Makes the folder of an emptyDir: everybody may write, and new files belong to `fsGroup`. */
export const makeEmptyDir = async (dir: string, { fsGroup }: VolumeOwner): Promise<void> => {
  await mkdir(dir, { recursive: true });
  await chown(dir, 0, fsGroup ?? 0);
  await chmod(dir, fsGroup === undefined ? 0o777 : 0o2777);
};

const makeFolder = async (dir: string, { fsGroup }: VolumeOwner): Promise<void> => {
  await mkdir(dir, { recursive: true });
  if (fsGroup !== undefined) await chown(dir, 0, fsGroup);
  await chmod(dir, fsGroup === undefined ? 0o755 : 0o2755);
};

const parents = (path: string): readonly string[] => {
  const folder = dirname(path);
  return folder === '.' ? [] : [...parents(folder), folder];
};
