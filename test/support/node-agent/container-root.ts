import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import type { Image } from './images.ts';
import type { PasswdEntry } from './security.ts';

/** Something of the machine that appears inside a container. */
export type BindMount = { readonly from: string; readonly path: string; readonly readOnly: boolean };

/** What a container's root file system is made of. */
export type RootPlan = {
  readonly image: Image;
  readonly workingDir: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly mounts: readonly BindMount[];
};

/** The files that make up a container's root; `fstab` mounts everything below `root`. */
export type ContainerRoot = { readonly root: string; readonly template: string; readonly fstab: string };

/** Where setpriv(1) is inside every container: it starts the container's program with its credentials. */
export const initPath = '/dev/init';

/** The users of every image: those of a distroless one. */
export const passwd: readonly PasswdEntry[] = [
  { name: 'root', uid: 0, gid: 0, home: '/root' },
  { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' },
  { name: 'nonroot', uid: 65532, gid: 65532, home: '/home/nonroot' },
];

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/**
 * Prepares a container's root in `dir`: a template that the launcher copies into a fresh tmpfs, and the table of what is
 * mounted on it. `setprivPath` is the machine's setpriv.
 */
export const prepareRoot = async (dir: string, plan: RootPlan, setprivPath: string): Promise<ContainerRoot> => {
  const root = join(dir, 'root');
  const template = join(dir, 'template');
  const fstab = join(dir, 'fstab');
  await rm(template, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const inside = (path: string): string => join(template, normalize(`/${path}`));
  const folder = (path: string): Promise<unknown> => mkdir(inside(path), { recursive: true });
  const file = async (path: string, content: string | Buffer, mode = 0o644): Promise<void> => {
    await mkdir(dirname(inside(path)), { recursive: true });
    await writeFile(inside(path), content, { mode });
  };

  const lines: string[] = [];
  const mount = (from: string, path: string, type: string, options: string): void => {
    lines.push([from, join(root, path), type, options, '0', '0'].map(escapeField).join(' '));
  };
  const bind = async ({ from, path, readOnly }: BindMount): Promise<void> => {
    // A mount point inside another mount is made in that mount's source, as the kubelet does.
    const outer = plan.mounts.findLast((other) => other.path !== path && isBelow(path, other.path));
    const point = outer === undefined ? inside(path) : join(outer.from, relative(outer.path, path));
    if ((await stat(from)).isDirectory()) await mkdir(point, { recursive: true });
    else {
      await mkdir(dirname(point), { recursive: true });
      if (!existsSync(point)) await writeFile(point, '');
    }
    mount(from, path, 'none', readOnly ? 'bind,ro' : 'bind');
  };

  for (const path of ['/root', '/home/nonroot', '/etc', '/var/run', '/dev/shm', plan.workingDir]) await folder(path);
  await mkdir(inside('/tmp'), { recursive: true });
  await chmod(inside('/tmp'), 0o1777);
  await bindSystem(bind, inside, plan.image.hasTools);
  await file(
    '/etc/passwd',
    passwd.map((user) => `${user.name}:x:${user.uid}:${user.gid}::${user.home}:/sbin/nologin\n`).join(''),
  );
  await file('/etc/group', passwd.map(({ name, gid }) => `${name}:x:${gid}:\n`).join(''));
  await file('/etc/hosts', plan.hosts);
  await file('/etc/hostname', `${plan.hostname}\n`);
  await file('/etc/resolv.conf', '# The sandbox has no name server.\n');
  await file('/etc/nsswitch.conf', 'hosts: files dns\n');
  if (existsSync('/etc/ssl')) await bind({ from: '/etc/ssl', path: '/etc/ssl', readOnly: true });

  await folder('/proc');
  mount('proc', '/proc', 'proc', 'nosuid,nodev,noexec');
  // Kernel parameters can be read but not set, as in every container that is not privileged.
  for (const path of ['/proc/sys', '/proc/sysrq-trigger']) {
    if (existsSync(path)) mount(join(root, path), path, 'none', 'bind,ro');
  }
  await folder('/sys');
  mount('sysfs', '/sys', 'sysfs', 'ro,nosuid,nodev,noexec');
  mount('shm', '/dev/shm', 'tmpfs', 'nosuid,nodev,noexec,mode=1777,size=64m');
  for (const name of devices) await bind({ from: `/dev/${name}`, path: `/dev/${name}`, readOnly: false });
  for (const [name, target] of Object.entries({ fd: '', stdin: '/0', stdout: '/1', stderr: '/2' })) {
    await symlink(`/proc/self/fd${target}`, inside(`/dev/${name}`));
  }
  await bind({ from: setprivPath, path: initPath, readOnly: true });

  for (const item of plan.image.files) {
    if (item.type === 'text') await file(item.path, item.content, item.executable ? 0o755 : 0o644);
    if (item.type === 'copy') await copyReadable(item.from, inside(item.path));
    if (item.type === 'bind') await bind({ from: item.from, path: item.path, readOnly: true });
  }
  for (const item of plan.mounts) await bind(item);
  await writeFile(fstab, `${lines.join('\n')}\n`);
  return { root, template, fstab };
};

/** Shared libraries always (the programs are linked to the machine's), shell and tools if the image has them. */
const bindSystem = async (
  bind: (mount: BindMount) => Promise<void>,
  inside: (path: string) => string,
  hasTools: boolean,
): Promise<void> => {
  const libraries = ['lib', 'lib32', 'lib64', 'libx32'];
  const names = hasTools ? [...libraries, 'bin', 'sbin'] : libraries;
  await mkdir(inside('/usr'), { recursive: true });
  for (const path of names.map((name) => `/usr/${name}`)) {
    if (existsSync(path) && !lstatSync(path).isSymbolicLink()) await bind({ from: path, path, readOnly: true });
  }
  for (const path of names.map((name) => `/${name}`)) {
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) await symlink(readlinkSync(path), inside(path));
    else await bind({ from: path, path, readOnly: true });
  }
};

/** Copies a file or folder so that every user may read it, whatever the modes of the original. */
const copyReadable = async (from: string, to: string): Promise<void> => {
  const info = await stat(from);
  if (info.isDirectory()) {
    await mkdir(to, { recursive: true });
    for (const name of await readdir(from)) await copyReadable(join(from, name), join(to, name));
  } else {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
    await chmod(to, (info.mode & 0o100) === 0 ? 0o644 : 0o755);
  }
};

const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** Blanks and backslashes are octal in fstab(5). */
const escapeField = (field: string): string =>
  field.replaceAll(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
