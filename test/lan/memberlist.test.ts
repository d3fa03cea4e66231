import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/cluster/eventually.ts';
import { buildMemberlistPeer } from './memberlist-peer/build.ts';
import { MemberlistPeer, type PeerOptions } from './memberlist-peer/peer.ts';

/** Members of the original (MetalLB's library in Go) and of ours, on loopback addresses that are theirs alone. */

const secret = 'ABCDEFGHIJKLMNOPQRSTUV'; // as long as the one that MetalLB makes up
const kinds = ['original', 'ours'] as const;
const net = `127.${randomInt(64, 250)}.${randomInt(256)}`;
const port = randomInt(20_000, 30_000); // below the ports that Linux gives out
let program: string;
let lastHost = 0;

beforeAll(async () => {
  program = await buildMemberlistPeer();
}, 600_000);

const started: MemberlistPeer[] = [];

const start = async (
  kind: PeerOptions['kind'],
  name: string,
  more: Partial<PeerOptions> = {},
): Promise<MemberlistPeer> => {
  const address = `${net}.${++lastHost}`;
  const peer = await MemberlistPeer.start({ kind, name, address, port, secret, program, ...more });
  started.push(peer);
  return peer;
};

afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.kill()));
});

const know = async (peers: readonly MemberlistPeer[], names: readonly string[]): Promise<void> => {
  const look = async (): Promise<boolean> => {
    const known = await Promise.all(peers.map((peer) => peer.members()));
    return known.every((each) => each.join() === names.join());
  };
  await eventually(`all know ${names.join()}`, look, { timeout: 60_000, every: 100 });
};

const other = (kind: PeerOptions['kind']): PeerOptions['kind'] => (kind === 'ours' ? 'original' : 'ours');

/** Two of one kind and one of the other, who know each other. */
const three = async (
  kind: PeerOptions['kind'],
  options: Partial<PeerOptions> = {},
): Promise<readonly [MemberlistPeer, MemberlistPeer, MemberlistPeer]> => {
  const peers = await Promise.all([
    start(kind, 'a', options),
    start(other(kind), 'b', options),
    start(kind, 'c', options),
  ]);
  expect([await peers[1].join(peers[0]), await peers[2].join(peers[1])]).toEqual([1, 1]);
  await know(peers, ['a', 'b', 'c']);
  return peers;
};

describe.each(kinds)('%s first', (kind) => {
  test('three members know each other after two joins, and who is of which kind', async () => {
    const [a, b, c] = await three(kind);
    for (const [peer, name, isOurs] of [
      [a, 'b', kind !== 'ours'],
      [b, 'c', kind === 'ours'],
      [c, 'a', kind === 'ours'],
    ] as const) {
      const joined = await peer.says(`${name} joins`, (each) => each.event === 'join' && each.name === name);
      expect(joined.isOurs ?? joined.meta === 'metallb-ts/1').toBe(isOurs);
    }
  });

  test('a member that stands still is suspected, refutes when it goes on, and never leaves', async () => {
    const [a, b, c] = await three(kind);
    b.signal('SIGSTOP');
    await sleep(3800); // a suspicion begins within 3 s and lasts 4
    b.signal('SIGCONT');
    await sleep(6000);
    await know([a, b, c], ['a', 'b', 'c']);
    expect([a.about('b'), c.about('b')]).toEqual([['join'], ['join']]);
    if (kind === 'ours') {
      const states = (peer: MemberlistPeer) =>
        peer.events.filter(({ event, name }) => event === 'update' && name === 'b').map(({ state }) => state);
      expect([states(a).at(-1), states(c).at(-1)]).toEqual(['alive', 'alive']);
      expect([...states(a), ...states(c)]).toContain('suspect');
    }
  });

  test('a member that is killed is dead for both kinds after the time of the protocol', async () => {
    const [a, b, c] = await three(kind);
    const start = performance.now();
    await c.kill();
    await Promise.all(
      [a, b].map((peer) => peer.says('c is gone', ({ event, name }) => event === 'leave' && name === 'c')),
    );
    const duration = performance.now() - start;
    expect(duration).toBeGreaterThan(4000);
    expect(duration).toBeLessThan(15_000); // about 6 s; a busy machine makes members trust themselves less
  });

  test('a leave is known at once, and is no failure', async () => {
    const [a, b, c] = await three(kind);
    const start = performance.now();
    expect((await b.command('leave', 'left')).error).toBeUndefined();
    await b.kill();
    await know([a, c], ['a', 'c']);
    expect(performance.now() - start).toBeLessThan(3900); // sooner than any suspicion ends
  });

  test('a name comes back after a failure, and after a restart that nobody noticed', async () => {
    const [a, b] = await three(kind);
    const address = b.address.split(':')[0]!;
    await b.kill();
    const restarted = await start(other(kind), 'b', { address });
    expect(await restarted.join(a)).toBe(1);
    await sleep(3000);
    expect(a.about('b')).toEqual(['join']);
    await restarted.kill();
    await a.says('b is gone', ({ event, name }) => event === 'leave' && name === 'b');
    const again = await start(other(kind), 'b', { address });
    expect(await again.join(a)).toBe(1);
    await know([a, again], ['a', 'b', 'c']);
  });

  test('one with another key is let in by nobody', async () => {
    const [a, stranger] = await Promise.all([start(kind, 'a'), start(other(kind), 's', { secret: 'another secret' })]);
    expect([await stranger.join(a), await a.join(stranger)]).toEqual([0, 0]);
    const unencrypted = await start(other(kind), 'u', { secret: '' });
    expect([await unencrypted.join(a), await a.join(unencrypted)]).toEqual([0, 0]);
    expect([await a.members(), await stranger.members(), await unencrypted.members()]).toEqual([['a'], ['s'], ['u']]);
  });

  test('without a key they understand each other, too', async () => {
    const peers = await three(kind, { secret: '' });
    await sleep(3000);
    expect(peers.map((peer) => peer.events.filter(({ event }) => event === 'leave'))).toEqual([[], [], []]);
  });
});

test('a dead name that comes back at another address is taken in by ours at once, in a mixed cluster', async () => {
  const [a, b, c] = await three('ours');
  await c.kill();
  await Promise.all(
    [a, b].map((peer) => peer.says('c is gone', ({ event, name }) => event === 'leave' && name === 'c')),
  );
  const moved = await start('original', 'c');
  const from = a.events.length;
  expect(await moved.join(a)).toBe(1);
  const joined = await a.says('c is back', ({ event, name }) => event === 'join' && name === 'c', from);
  expect(joined.address).toBe(moved.address);
});

test('two living members with one name are reported by ours, with both addresses', async () => {
  const [a, b, double] = await Promise.all([start('ours', 'a'), start('original', 'b'), start('original', 'b')]);
  expect([await b.join(a), await double.join(a)]).toEqual([1, 1]);
  const conflict = await a.says('the conflict', ({ event }) => event === 'conflict');
  expect(conflict).toMatchObject({ name: 'b', addresses: [b, double].map(({ address }) => address.split(':')[0]) });
});
