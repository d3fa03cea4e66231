import { err, ok, type Result } from '../../../src/lib/result.ts';
import type { Container, Pod, SecurityContext } from './types.ts';

/** What container runtimes grant when a pod says nothing about capabilities. */
export const defaultCapabilities: readonly string[] = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'mknod',
  'net_bind_service',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
];

/** All capabilities of Linux (capabilities(7)), as `setpriv` spells them. */
export const allCapabilities: readonly string[] = [
  ...defaultCapabilities,
  'audit_control',
  'audit_read',
  'block_suspend',
  'bpf',
  'checkpoint_restore',
  'dac_read_search',
  'ipc_lock',
  'ipc_owner',
  'lease',
  'linux_immutable',
  'mac_admin',
  'mac_override',
  'net_admin',
  'net_broadcast',
  'perfmon',
  'sys_admin',
  'sys_boot',
  'sys_module',
  'sys_nice',
  'sys_pacct',
  'sys_ptrace',
  'sys_rawio',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'syslog',
  'wake_alarm',
].toSorted();

/** The user a process runs as and what it may do. */
export type Credentials = {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly noNewPrivileges: boolean;
  /** The bounding set; sorted. Never ambient, so a process of another uid than 0 has none of them in effect. */
  readonly capabilities: readonly string[];
};

/** Entries of an image's /etc/passwd. */
export type PasswdEntry = { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string };

/**
 * The bounding set of a container as containerd computes it: `ALL` first, then what is added, then what is dropped.
 * A name Linux does not know is refused, as runc does.
 */
export const capabilitySet = (context: SecurityContext | undefined): Result<readonly string[]> => {
  if (context?.privileged === true) return ok(allCapabilities);
  const add = (context?.capabilities?.add ?? []).map(plainName);
  const drop = (context?.capabilities?.drop ?? []).map(plainName);
  const unknown = [...add, ...drop].find((name) => name !== 'all' && !allCapabilities.includes(name));
  if (unknown !== undefined) return err(`unknown capability "CAP_${unknown.toUpperCase()}"`);
  const start = add.includes('all') ? allCapabilities : drop.includes('all') ? [] : defaultCapabilities;
  const set = new Set(start);
  for (const name of add) if (name !== 'all') set.add(name);
  for (const name of drop) if (name !== 'all') set.delete(name);
  return ok([...set].toSorted());
};

const plainName = (name: string): string => name.toLowerCase().replace(/^cap_/, '');

/**
 * The credentials of a container: its own context, then the pod's, then the image's `USER`. Refuses root where the pod
 * asks for `runAsNonRoot`, in the kubelet's words.
 */
export const containerCredentials = (
  pod: Pod,
  container: Container,
  imageUser: string,
  passwd: readonly PasswdEntry[],
): Result<Credentials> => {
  const context = { ...pod.spec.securityContext, ...container.securityContext };
  const [userWord = '', groupWord] = imageUser.split(':', 2);
  const imageEntry = passwd.find(({ name, uid }) => name === userWord || `${uid}` === userWord);
  const uid = context.runAsUser ?? imageEntry?.uid ?? (userWord === '' ? 0 : Number(userWord));
  if (!Number.isInteger(uid)) return err(`unable to find user ${userWord}: no matching entries in passwd file`);
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (context.runAsNonRoot === true && context.runAsUser === undefined && userWord !== '' && !/^\d+$/.test(userWord)) {
    return err(
      `container has runAsNonRoot and image has non-numeric user (${userWord}), cannot verify user is non-root ${where}`,
    );
  }
  if (context.runAsNonRoot === true && uid === 0) {
    return err(
      context.runAsUser === undefined
        ? `container has runAsNonRoot and image will run as root ${where}`
        : `container's runAsUser breaks non-root policy ${where}`,
    );
  }
  const capabilities = capabilitySet(container.securityContext);
  if (!capabilities.ok) return capabilities;
  const imageGid = context.runAsUser === undefined ? Number(groupWord) : Number.NaN;
  const gid =
    context.runAsGroup ?? (Number.isInteger(imageGid) ? imageGid : passwd.find((entry) => entry.uid === uid)?.gid) ?? 0;
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  const groups = new Set([gid, ...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])]);
  return ok({
    uid,
    gid,
    groups: [...groups],
    noNewPrivileges: container.securityContext?.allowPrivilegeEscalation === false,
    capabilities: capabilities.value,
  });
};

/**
 * Arguments for setpriv(1) that give a program exactly these credentials. Inheritable and ambient sets stay empty, so on
 * exec uid 0 gains the bounding set and any other uid nothing, as runc has it. The program dies with its parent.
 */
export const setprivArguments = (credentials: Credentials): readonly string[] => [
  `--reuid=${credentials.uid}`,
  `--regid=${credentials.gid}`,
  credentials.groups.length === 0 ? '--clear-groups' : `--groups=${credentials.groups.join(',')}`,
  '--inh-caps=-all',
  `--bounding-set=${['-all', ...credentials.capabilities.map((name) => `+${name}`)].join(',')}`,
  ...(credentials.noNewPrivileges ? ['--no-new-privs'] : []),
  '--pdeathsig=KILL',
  '--',
];
