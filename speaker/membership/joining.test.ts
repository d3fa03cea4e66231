import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { createJoining } from './joining.ts';

const ips = (...hosts: readonly number[]): Ip[] => hosts.map((host) => `10.0.0.${host}` as Ip);

/** A joining whose attempts end when the test says so. */
const rig = () => {
  const clock = fakeClock();
  const members = new Set<string>(ips(1)); // this node
  const asked: string[] = [];
  const waiting = new Map<string, (isAnswered: boolean) => void>();
  let completions = 0;
  const joining = createJoining({
    clock,
    isMember: (address) => members.has(address),
    join: (address) => {
      asked.push(address);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.set(address, resolve);
      return promise;
    },
    onComplete: () => void (completions += 1),
  });
  const end = async (host: number, isAnswered: boolean): Promise<void> => {
    waiting.get(ips(host)[0]!)!(isAnswered);
    await clock.advanceAsync(seconds(0));
  };
  return { clock, members, asked, joining, end, completions: () => completions };
};

test('four at a time are joined, and none that has become a member meanwhile', async () => {
  const { members, asked, joining, end } = rig();
  joining.setPeers(ips(1, 2, 3, 4, 5, 6, 7, 8));
  expect(asked).toEqual(ips(2, 3, 4, 5));
  for (const address of ips(2, 3, 4, 5, 6, 7)) members.add(address);
  await end(3, true);
  expect(asked).toEqual(ips(2, 3, 4, 5, 8));
});

test('who is no member is joined again every minute, and at once when the peers change', async () => {
  const { clock, members, asked, joining, end } = rig();
  joining.setPeers(ips(1, 2, 3));
  members.add(ips(2)[0]!);
  await end(2, true);
  await end(3, false);
  joining.setPeers(ips(3, 2, 1));
  await clock.advanceAsync(seconds(59));
  expect(asked).toEqual(ips(2, 3));
  await clock.advanceAsync(seconds(1));
  expect(asked).toEqual(ips(2, 3, 3));
  await end(3, false);
  joining.setPeers(ips(1, 2, 3, 4));
  expect(asked).toEqual(ips(2, 3, 3, 3, 4));
  joining.close();
  await clock.advanceAsync(seconds(600));
  expect([asked.length, clock.pending()]).toEqual([5, 0]);
});

test('it is complete with the first answer, once all were tried in vain, after 2 s, or when nobody else is there', async () => {
  const answered = rig();
  answered.joining.setPeers(ips(2, 3));
  expect(answered.joining.isComplete()).toBe(false);
  await answered.end(3, true);
  expect([answered.joining.isComplete(), answered.completions()]).toEqual([true, 1]);

  const vain = rig();
  vain.joining.setPeers(ips(2, 3));
  await vain.end(2, false);
  expect(vain.joining.isComplete()).toBe(false);
  await vain.end(3, false);
  expect([vain.joining.isComplete(), vain.completions()]).toEqual([true, 1]);

  const silent = rig();
  silent.joining.setPeers(ips(2));
  await silent.clock.advanceAsync(seconds(1.9));
  expect(silent.joining.isComplete()).toBe(false);
  await silent.clock.advanceAsync(seconds(0.1));
  expect([silent.joining.isComplete(), silent.completions()]).toEqual([true, 1]);

  const alone = rig();
  alone.joining.setPeers(ips(1));
  expect([alone.joining.isComplete(), alone.completions()]).toEqual([true, 1]);
});
