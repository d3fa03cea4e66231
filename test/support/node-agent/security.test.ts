import { describe, expect, test } from 'vitest';
import { passwd } from './container-root.ts';
import { containerOf, podOf } from './fixtures.ts';
import {
  allCapabilities,
  capabilitySet,
  containerCredentials,
  defaultCapabilities,
  setprivArguments,
} from './security.ts';
import type { PodSecurityContext, SecurityContext } from './types.ts';

describe('capabilitySet', () => {
  const setOf = (add: readonly string[], drop: readonly string[]) => capabilitySet({ capabilities: { add, drop } });

  test('a container that says nothing has the usual fourteen', () => {
    expect(capabilitySet(undefined)).toEqual({ ok: true, value: defaultCapabilities });
    expect(defaultCapabilities).toHaveLength(14);
  });

  test.each([
    [['NET_RAW'], ['ALL'], ['net_raw']],
    [['CAP_NET_ADMIN'], ['all'], ['net_admin']],
    [[], ['ALL'], []],
    [['ALL'], ['ALL'], allCapabilities],
    [['ALL'], ['SYS_ADMIN'], allCapabilities.filter((name) => name !== 'sys_admin')],
    [['CHOWN'], ['CHOWN'], defaultCapabilities.filter((name) => name !== 'chown')],
  ])('add %j, drop %j', (add, drop, value) => expect(setOf(add, drop)).toEqual({ ok: true, value }));

  test('a name that Linux does not know is refused', () =>
    expect(setOf(['NET_ROW'], [])).toEqual({ ok: false, error: 'unknown capability "CAP_NET_ROW"' }));

  test('a privileged container has all', () =>
    expect(capabilitySet({ privileged: true })).toEqual({ ok: true, value: allCapabilities }));
});

describe('containerCredentials', () => {
  const credentials = (container: SecurityContext, pod: PodSecurityContext = {}, imageUser = '') =>
    containerCredentials(
      podOf({ securityContext: pod }),
      containerOf({ securityContext: container }),
      imageUser,
      passwd,
    );

  test("the container's user wins over the pod's, the pod's over the image's", () => {
    expect(credentials({ runAsUser: 1 }, { runAsUser: 2 }, '3')).toMatchObject({ value: { uid: 1 } });
    expect(credentials({}, { runAsUser: 2 }, '3')).toMatchObject({ value: { uid: 2 } });
    expect(credentials({}, {}, '3')).toMatchObject({ value: { uid: 3 } });
    expect(credentials({})).toMatchObject({ value: { uid: 0, gid: 0 } });
  });

  test('the group comes from the pod, the image, or the passwd file', () => {
    expect(credentials({ runAsGroup: 5 }, {}, '3:4')).toMatchObject({ value: { gid: 5 } });
    expect(credentials({}, {}, '3:4')).toMatchObject({ value: { uid: 3, gid: 4 } });
    expect(credentials({ runAsUser: 65534 }, {}, '3:4')).toMatchObject({ value: { gid: 65534 } });
    expect(credentials({}, {}, 'nonroot')).toMatchObject({ value: { uid: 65532, gid: 65532 } });
    expect(credentials({ runAsUser: 1234 })).toMatchObject({ value: { gid: 0 } });
  });

  test('the files of the pod are for its groups', () =>
    expect(credentials({ runAsUser: 1 }, { fsGroup: 7, supplementalGroups: [8, 7] })).toMatchObject({
      value: { groups: [0, 8, 7] },
    }));

  test.each<[SecurityContext, string, string]>([
    [{ runAsNonRoot: true }, '', 'container has runAsNonRoot and image will run as root'],
    [{ runAsNonRoot: true }, '0', 'container has runAsNonRoot and image will run as root'],
    [{ runAsNonRoot: true, runAsUser: 0 }, '', "container's runAsUser breaks non-root policy"],
    [{ runAsNonRoot: true }, 'nonroot', 'image has non-numeric user (nonroot), cannot verify user is non-root'],
    [{}, 'nginx', 'unable to find user nginx'],
  ])('%j with the image user %j is refused', (context, user, words) => {
    const result = credentials(context, {}, user);
    expect(result.ok ? '' : result.error).toContain(words);
  });

  test('only an explicit false forbids new privileges', () => {
    expect(credentials({})).toMatchObject({ value: { noNewPrivileges: false } });
    expect(credentials({ allowPrivilegeEscalation: true })).toMatchObject({ value: { noNewPrivileges: false } });
    expect(credentials({ allowPrivilegeEscalation: false })).toMatchObject({ value: { noNewPrivileges: true } });
  });
});

test('setpriv is told every detail', () =>
  expect(setprivArguments({ uid: 0, gid: 0, groups: [], noNewPrivileges: true, capabilities: ['net_raw'] })).toEqual([
    '--reuid=0',
    '--regid=0',
    '--clear-groups',
    '--inh-caps=-all',
    '--bounding-set=-all,+net_raw',
    '--no-new-privs',
    '--pdeathsig=KILL',
    '--',
  ]));
