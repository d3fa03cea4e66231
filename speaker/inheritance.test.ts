import { expect, test } from 'vitest';
import { seconds } from '../src/lib/time.ts';
import { runningRig, type SpeakerRig } from '../test/support/speaker-rig.ts';

const serve = (
  rig: SpeakerRig,
  name: string,
  ips: readonly string[],
  more: Parameters<SpeakerRig['service']>[2] = {},
) => {
  rig.slice(name, ['node-c']);
  rig.service(name, ips, more);
};

test('a group with a new key stays with its owner, which tells nothing else meanwhile', () => {
  const [v4, v6] = ['10.0.0.20', 'fd00::20'];
  const created = (day: number) => ({ createdAt: `2026-01-0${day}T00:00:00Z` });
  const rig = runningRig('node-a');
  serve(rig, 'six', [v6], created(2));
  serve(rig, 'both', [v4, v6], created(3));
  rig.owning(v6);
  expect([...rig.orders.keys()]).toEqual([v6]);
  rig.clock.advance(seconds(2));
  const before = rig.told.get('default/both');
  expect(before?.answered.map(({ ip }) => ip)).toEqual([v4, v6]);
  rig.done();
  // The oldest goes, and its address is the key no more.
  rig.noService('six');
  const [renamed] = rig.done();
  expect(renamed).toMatchObject({ changed: [{ key: v4 }], removed: [{ key: v6, isReleased: true }] });
  expect(rig.orders.get(v4)?.candidates[0]).toBe('node-a');
  expect(rig.told.get('default/both')).toBe(before);
  rig.owning(v4);
  expect(rig.told.get('default/both')).toEqual({ ...before, key: v4 });
});

test('a group is divided by an order that is newer than the one that joined it', () => {
  const [four, six] = ['10.0.0.20', 'fd00::20'];
  const rig = runningRig('node-a');
  serve(rig, 'four', [four], { createdAt: '2026-01-01T00:00:00Z' });
  serve(rig, 'six', [six], { createdAt: '2026-01-02T00:00:00Z' });
  rig.owner(four, 'node-b');
  rig.owner(six, 'node-c');
  rig.done();
  serve(rig, 'both', [four, six], { createdAt: '2026-01-03T00:00:00Z' });
  const joined = rig.done().flatMap((each) => (each.type === 'groups' ? each.removed : []));
  expect(joined.map(({ key: gone }) => gone)).toEqual([six]);
  rig.owner(six, undefined);
  rig.noService('both');
  expect(rig.orders.get(six)?.candidates[0]).toBe('node-b');
  expect(rig.orders.get(six)?.revision).toBeGreaterThan(joined[0]!.revision);
  expect(rig.told.get('default/six')?.owner).toBe('node-b');
  rig.owner(six, 'node-b');
  expect(rig.told.get('default/six')).toMatchObject({ key: six, owner: 'node-b' });
});

test('what is told of a group waits for its owner for a second', () => {
  const rig = runningRig('node-a');
  serve(rig, 'six', ['fd00::20']);
  rig.owner('fd00::20', 'node-b');
  rig.service('six', ['10.0.0.20', 'fd00::20']);
  expect(rig.told.get('default/six')).toMatchObject({ key: 'fd00::20' });
  rig.clock.advance(seconds(1));
  expect(rig.told.get('default/six')).toMatchObject({ key: '10.0.0.20', owner: undefined });
});
