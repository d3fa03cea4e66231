/**
 * Speakers that start, end and are replaced, and what people change: planned moves lose nothing. A failure names its
 * seed, as in the other simulations.
 */
import { expect, test } from 'vitest';
import type { Ip } from '../../../src/lib/ip.ts';
import { seedsToPlay } from '../random.ts';
import { play, type Rig } from './rig.ts';

/** Successor first, then silence: somebody answers all the time, and whoever is known to clients forwards. */
const expectNothingLost = (rig: Rig, since: number): void => {
  expect(rig.longest('none', since), 'none answering').toBe(0);
  expect(rig.figures('', since).outages, 'lost').toEqual([]);
  expect(rig.longest('two', since), 'two answering').toBeLessThanOrEqual(50);
  expect(rig.falseTakeovers).toEqual([]);
};

const nodesBut = (rig: Rig, node: string): readonly string[] => rig.names.filter((name) => name !== node);

const putAgain = (rig: Rig, key: Ip, nodes: readonly string[]): void => {
  const { addresses } = rig.services().get(key)!;
  rig.putService({ key, addresses, nodes });
};

test.each([{ size: 3 }, { size: 10 }])('a rolling restart of $size speakers loses no request', ({ size }) => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size, addresses: 10 }, (rig) => {
      const since = rig.time.now();
      for (const name of rig.names) {
        const { speaker } = rig.node(name);
        rig.terminate(name);
        rig.time.advance(2500);
        if (speaker!.state() !== 'dead') throw new Error(`${name} has not ended`);
        rig.expectRest();
        rig.start(name);
        rig.time.advance(3000);
        rig.expectRest();
      }
      expectNothingLost(rig, since);
    });
  }
});

test('a drain, or a node that is excluded, loses no request', () => {
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const victim = rig.anyOwner();
      const since = rig.time.now();
      for (const key of rig.keys) putAgain(rig, key, nodesBut(rig, victim));
      rig.time.advance(3000);
      rig.expectRest();
      expect(rig.ownedBy(victim)).toEqual([]);
      expectNothingLost(rig, since);
      // What is allowed again moves nothing.
      const owners = rig.keys.map(rig.owner);
      for (const key of rig.keys) putAgain(rig, key, rig.names);
      rig.time.advance(5000);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      expectNothingLost(rig, since);
    });
  }
});

test('an owner that does not hear that it is excluded loses its groups to the next in rank with a living watch', () => {
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const victim = rig.anyOwner();
      rig.node(victim).hasApi = false;
      rig.publish();
      rig.time.advance(1500);
      const since = rig.time.now();
      for (const key of rig.keys) putAgain(rig, key, nodesBut(rig, victim));
      rig.time.advance(6000);
      rig.expectRest();
      expect(rig.ownedBy(victim)).toEqual([]);
      expectNothingLost(rig, since);
    });
  }
});

test('an advertisement is edited: the same owner answers on the interfaces that are left', () => {
  play(
    1,
    {
      size: 3,
      addresses: 4,
      segments: 2,
      nodes: [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
    },
    (rig) => {
      const since = rig.time.now();
      const owners = rig.keys.map(rig.owner);
      for (const key of rig.keys) {
        rig.putService({ key, addresses: [{ ip: key, interfaces: ['eth0'] }], nodes: rig.names });
      }
      rig.time.advance(3000);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      rig.expectRest();
      expectNothingLost(rig, since);
      const other = rig.witness.addClient('client on lan1', 1);
      for (const ip of rig.keys) expect(rig.witness.answering(other, ip)).toEqual([]);
    },
  );
});

test('a service comes and goes: its address is answered within 250 ms, and silent as soon as it is gone', () => {
  const firsts: number[] = [];
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 10, addresses: 2 }, (rig) => {
      const key = '198.18.9.9' as Ip;
      const since = rig.time.now();
      rig.putService({ key, addresses: [{ ip: key, interfaces: undefined }], nodes: rig.names });
      rig.witness.expect(key);
      rig.time.advance(2000);
      rig.expectRest();
      firsts.push(rig.longest('none', since, [key]));
      expect(rig.longest('two', since, [key])).toBe(0);
      rig.removeService(key);
      rig.time.advance(300);
      expect(rig.witness.answering(rig.client, key)).toEqual([]);
      rig.time.advance(5000);
      expect(rig.witness.answering(rig.client, key)).toEqual([]);
    });
  }
  expect(firsts.sort((a, b) => a - b)[Math.floor(firsts.length / 2)]).toBeLessThanOrEqual(250);
});

test.each([{ pause: 20 }, { pause: 100 }, { pause: 400 }, { pause: 3000 }])(
  'a node is replaced under the same name after $pause ms: one owner throughout',
  ({ pause }) => {
    for (const seed of seedsToPlay(6)) {
      play(seed, { size: 3, addresses: 10 }, (rig) => {
        rig.time.advance(rig.random.next() * 100);
        const victim = rig.anyOwner();
        const since = rig.time.now();
        rig.powerOff(victim);
        rig.time.advance(pause);
        rig.powerOn(victim);
        rig.time.advance(8000);
        rig.expectRest();
        expect(rig.longest('two', since)).toBe(0);
        expect(rig.longest('none', since)).toBeLessThanOrEqual(450);
      });
    }
  },
);

test('a speaker starts in the middle of a failover: one owner throughout', () => {
  for (const seed of seedsToPlay(20)) {
    play(seed, { size: 4, addresses: 10 }, (rig) => {
      const late = rig.random.anyOf(rig.names)!;
      rig.powerOff(late);
      rig.time.advance(20_000);
      const victim = rig.anyOwner();
      const since = rig.time.now();
      rig.powerOff(victim);
      rig.time.advance(rig.random.next() * 400);
      rig.powerOn(late);
      rig.time.advance(8000);
      rig.expectRest();
      expect(rig.longest('two', since)).toBe(0);
      expect(rig.longest('none', since)).toBeLessThanOrEqual(450);
      expect(rig.falseTakeovers).toEqual([]);
    });
  }
});

test('a node that returns takes nothing back by itself', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const victim = rig.anyOwner();
      rig.powerOff(victim);
      rig.time.advance(30_000);
      const owners = rig.keys.map(rig.owner);
      const since = rig.time.now();
      rig.powerOn(victim);
      rig.time.advance(30_000);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      expectNothingLost(rig, since);
    });
  }
});

test('one-node cluster: it waits for nobody, and a restart answers again within 1 s', () => {
  play(1, { size: 1, addresses: 20, warmUp: 1000 }, (rig) => {
    expect(rig.longest('none', 0)).toBeLessThanOrEqual(1000);
    rig.time.advance(60_000);
    rig.expectRest();
    const since = rig.time.now();
    rig.killSpeaker('n0');
    rig.start('n0');
    rig.time.advance(10_000);
    rig.expectRest();
    expect(rig.longest('none', since)).toBeLessThanOrEqual(1000);
  });
});

test('all speakers start at once: nobody answers twice, and all is answered in 2 s', () => {
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 10, addresses: 40 }, (rig) => {
      expect(rig.longest('two', 0)).toBe(0);
      expect(rig.longest('none', 0)).toBeLessThanOrEqual(2000);
    });
  }
});

test('a VLAN is on some nodes only: one of those owns, and the next of those when it crashes', () => {
  for (const seed of seedsToPlay(4)) {
    const nodes = [[0], [0, 1], [0], [0, 1], [0]];
    play(seed, { size: 5, addresses: 0, segments: 2, nodes }, (rig) => {
      const key = '198.18.7.7' as Ip;
      const client = rig.witness.addClient('client on the VLAN', 1);
      rig.putService({ key, addresses: [{ ip: key, interfaces: ['eth1'] }], nodes: ['n1', 'n3'] });
      rig.witness.expect(key, ['lan1']);
      rig.time.advance(3000);
      rig.expectRest();
      const owner = rig.owner(key);
      const since = rig.time.now();
      rig.powerOff(owner);
      rig.time.advance(2000);
      rig.expectRest();
      expect(rig.witness.answering(client, key)).toEqual([owner === 'n1' ? 'n3' : 'n1']);
      expect(rig.longest('none', since, [key])).toBeLessThanOrEqual(450);
      expect(rig.longest('two', since, [key])).toBe(0);
    });
  }
});

test('members that share no segment: a claim reaches them by the routers, and a service moves between segments', () => {
  for (const seed of seedsToPlay(4)) {
    play(
      seed,
      { size: 4, addresses: 2, segments: 2, nodes: [[0], [0], [1], [1]], candidates: () => ['n0', 'n1'] },
      (rig) => {
        const key = rig.keys[0]!;
        rig.time.advance(5000);
        rig.putService({ key, addresses: [{ ip: key, interfaces: undefined }], nodes: ['n2', 'n3'] });
        rig.witness.dismiss(key);
        rig.time.advance(3000);
        expect(['n2', 'n3']).toContain(rig.owner(key));
      },
    );
  }
});
