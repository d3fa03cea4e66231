import type { ContainerRoot } from './container-root.ts';
import { initPath } from './container-root.ts';
import { type Credentials, setprivArguments } from './security.ts';

/** What the launcher of a container needs to know. */
export type LaunchPlan = {
  readonly root: ContainerRoot;
  readonly readOnlyRoot: boolean;
  readonly workingDir: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly credentials: Credentials;
  readonly argv: readonly string[];
};

/** The exit code of a launcher that failed before the container's program was started. */
export const launchFailed = 125;

/** What the launcher says right before it becomes the container's program. */
export const launchReady = 'ready';

/**
 * The shell script that becomes a container. It runs as root in fresh mount and PID namespaces, puts the root together,
 * and ends by executing the program there with the container's credentials and exactly its environment. What goes wrong
 * before that is told on descriptor 2, and so is that the root stands (`launchReady`); the program's own standard error
 * waits on descriptor 3.
 */
export const launchScript = (plan: LaunchPlan): string => {
  const { root, template, fstab } = plan.root;
  const variables = [...plan.environment].map(([name, value]) => `${name}=${value}`);
  const program = [initPath, ...setprivArguments(plan.credentials), ...plan.argv];
  return [
    'PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"',
    `trap '[ $? = 0 ] || exit ${launchFailed}' EXIT`,
    'set -e',
    `mount -t tmpfs -o mode=755 rootfs ${quote(root)}`,
    `cp -a ${quote(`${template}/.`)} ${quote(root)}`,
    `mount -a -T ${quote(fstab)}`,
    ...(plan.readOnlyRoot ? [`mount -o remount,ro ${quote(root)}`] : []),
    'env=$(command -v env) unshare=$(command -v unshare)',
    `echo ${launchReady} >&2`,
    'exec 2>&3 3>&-',
    `exec "$env" -i ${variables.map(quote).join(' ')} "$unshare" ${quote(`--root=${root}`)} ${quote(`--wd=${plan.workingDir}`)} ${program.map(quote).join(' ')}`,
    '',
  ].join('\n');
};

/** Quotes a word for sh(1). */
const quote = (word: string): string =>
  /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
