/**
 * What must move nothing, and let nobody answer twice; and that a crash meanwhile is handled as ever. A failure names
 * its seed, as in the other simulations.
 */
import { afterAll, expect, test, vi } from 'vitest';
import { seedsToPlay } from '../random.ts';
import { collectFigures } from './figures.ts';
import { play, type Rig } from './rig.ts';

// A search by `SIMULATION_HISTORIES` takes its time.
vi.setConfig({ testTimeout: 3_600_000 });

const shown = collectFigures();
afterAll(shown.print);

const minute = 60_000;

type Trouble = {
  readonly name: string;
  readonly begin: (rig: Rig) => void;
  readonly lasts: number;
  /** Longest outage of a crash meanwhile. */
  readonly crashLimit: number;
};

const weather =
  (change: Partial<Rig['network']['segments'][number]['weather']>) =>
  (rig: Rig): void => {
    Object.assign(rig.network.segments[0]!.weather, change);
    rig.changed();
  };

const cutApi = (rig: Rig): void => {
  for (const node of rig.nodes.values()) node.hasApi = false;
  rig.publish();
};

const gossip =
  (state: Rig['gossip']['state']) =>
  (rig: Rig): void => {
    rig.gossip.state = state;
    rig.changed();
  };

const troubles: readonly Trouble[] = [
  { name: 'nothing', begin: () => {}, lasts: minute, crashLimit: 450 },
  { name: 'gossip port blocked', begin: gossip('blocked'), lasts: minute, crashLimit: 450 },
  { name: 'gossip frozen', begin: gossip('frozen'), lasts: minute, crashLimit: 450 },
  { name: 'multicast filtered', begin: weather({ isMulticastBlocked: true }), lasts: minute, crashLimit: 450 },
  { name: 'unicast filtered', begin: weather({ isUnicastBlocked: true }), lasts: minute, crashLimit: 450 },
  { name: 'API server away for 10 min', begin: cutApi, lasts: 10 * minute, crashLimit: 450 },
  {
    name: 'gossip blocked, multicast filtered, API server away',
    begin: (rig) => {
      gossip('blocked')(rig);
      weather({ isMulticastBlocked: true })(rig);
      cutApi(rig);
    },
    lasts: minute,
    crashLimit: 800,
  },
  { name: '2 % of all frames lost', begin: weather({ loss: 0.02 }), lasts: 5 * minute, crashLimit: 800 },
  { name: '15 % of all frames lost', begin: weather({ loss: 0.15 }), lasts: minute, crashLimit: 1500 },
  {
    name: 'Wi-Fi: delays to 60 ms, 1 % lost, 1 % twice',
    begin: weather({ jitter: 60, loss: 0.01, duplication: 0.01 }),
    lasts: 2 * minute,
    crashLimit: 800,
  },
];

test.each(
  troubles.flatMap((trouble) => (trouble.lasts > minute ? [3] : [3, 10]).map((size) => ({ ...trouble, size }))),
)('$name, $size nodes: nothing moves, and a crash is handled', ({ name, begin, lasts, crashLimit, size }) => {
  for (const seed of seedsToPlay(size === 3 ? 3 : 1)) {
    play(seed, { size, addresses: 10 }, (rig) => {
      const since = rig.time.now();
      const owners = rig.keys.map(rig.owner);
      begin(rig);
      const sent = rig.restSent(lasts);
      rig.expectRest();
      expect(rig.falseTakeovers).toEqual([]);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      expect(rig.longest('two', since), 'two answering').toBe(0);
      expect(rig.longest('none', since), 'none answering').toBe(0);
      shown.add(rig.figures(name, since, { sent, sentIn: rig.time.now() - since, outages: [] }));

      rig.time.advance(rig.random.next() * 1000);
      const crashed = rig.time.now();
      rig.powerOff(rig.anyOwner());
      rig.time.advance(4000);
      rig.expectRest();
      expect(rig.longest('none', crashed), 'outage of a crash').toBeLessThanOrEqual(crashLimit);
      expect(rig.longest('two', crashed), 'two answering after a crash').toBeLessThanOrEqual(200);
    });
  }
});

test('the key is rotated while kubelets are up to two minutes apart: nothing moves, and a crash is handled', () => {
  for (const seed of seedsToPlay(3)) {
    play(seed, { size: 3, addresses: 10, secret: new TextEncoder().encode('old') }, (rig) => {
      const since = rig.time.now();
      const owners = rig.keys.map(rig.owner);
      for (const node of rig.nodes.values()) {
        rig.time.after(rig.random.next() * 2 * minute, () => {
          rig.tell(`-- ${node.name} gets the new key`);
          node.keyRing!.replace(new TextEncoder().encode('new'), node.host.localTime());
        });
      }
      rig.time.advance(rig.random.next() * 12 * minute);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      expect(rig.longest('two', since)).toBe(0);
      expect(rig.longest('none', since)).toBe(0);
      const crashed = rig.time.now();
      rig.powerOff(rig.anyOwner());
      rig.time.advance(12 * minute);
      rig.expectRest();
      expect(rig.longest('none', crashed)).toBeLessThanOrEqual(450);
      expect(rig.longest('two', crashed)).toBe(0);
    });
  }
});

/** How late a starved thread gets its turns: mostly a little, now and then as long as was ever measured. */
const starved = (rig: Rig, longest: number) => (): number =>
  rig.random.chance(0.02) ? rig.random.next() * longest : rig.random.next() * 30;

test.each([
  { who: 'the owner', share: 0 },
  { who: 'everybody', share: 1 },
])('CPU of $who starved: no takeover', ({ who, share }) => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const since = rig.time.now();
      const owners = rig.keys.map(rig.owner);
      const victim = rig.anyOwner();
      for (const node of rig.nodes.values()) {
        if (node.name === victim || share === 1) node.lateness = starved(rig, 350);
      }
      const sent = rig.restSent(90_000);
      shown.add(rig.figures(`CPU of ${who} starved`, since, { sent, sentIn: rig.time.now() - since, outages: [] }));
      expect(rig.falseTakeovers).toEqual([]);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      rig.expectRest();
    });
  }
});

test('watchers that are starved for 0.6 s at a time take nothing over', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const victim = rig.anyOwner();
      for (const node of rig.nodes.values()) {
        // Only those who own nothing: who owns and sleeps that long treats its claims as lost.
        if (node.name !== victim && rig.ownedBy(node.name).length === 0) node.lateness = starved(rig, 600);
      }
      rig.time.advance(30_000);
      expect(rig.falseTakeovers).toEqual([]);
      rig.expectRest();
    });
  }
});

test('the main thread of the owner hangs: its groups move by plan, and it takes nothing over', () => {
  for (const seed of seedsToPlay(6)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const victim = rig.anyOwner();
      const since = rig.time.now();
      rig.tell(`-- the main thread of ${victim} hangs`);
      rig.node(victim).main!.hang();
      rig.changed();
      rig.time.advance(8000);
      rig.expectRest();
      expect(rig.ownedBy(victim)).toEqual([]);
      expect(rig.longest('none', since)).toBe(0);
      expect(rig.longest('two', since)).toBeLessThanOrEqual(50);
      const crashed = rig.anyOwner();
      rig.powerOff(crashed);
      rig.time.advance(3000);
      rig.expectRest();
      expect(rig.ownedBy(victim)).toEqual([]);
    });
  }
});

test('the main threads of all hang: whoever owns then keeps answering', () => {
  for (const seed of seedsToPlay(4)) {
    play(seed, { size: 3, addresses: 10 }, (rig) => {
      const since = rig.time.now();
      for (const { main } of rig.nodes.values()) main!.hang();
      // Those that hang first hand over to those that seem awake.
      rig.time.advance(10_000);
      const owners = rig.keys.map(rig.owner);
      rig.time.advance(60_000);
      expect(rig.keys.map(rig.owner)).toEqual(owners);
      expect(rig.longest('none', since)).toBe(0);
      expect(rig.longest('two', since)).toBeLessThanOrEqual(50);
    });
  }
});

test.each([{ next: 'nothing else happens' }, { next: 'its last owner crashes' }] as const)(
  'one node is cut off from the API server, a service is deleted and $next: the address is not revived',
  ({ next }) => {
    for (const seed of seedsToPlay(6)) {
      play(seed, { size: 3, addresses: 6 }, (rig) => {
        const key = rig.random.anyOf(rig.keys)!;
        const owner = rig.owner(key);
        const cut = rig.anyOther(key);
        rig.tell(`-- ${cut} is cut off from the API server, and ${key} is deleted`);
        rig.node(cut).hasApi = false;
        rig.publish();
        rig.time.advance(2000);
        rig.removeService(key);
        rig.witness.dismiss(key);
        rig.time.advance(3000);
        if (next === 'its last owner crashes') rig.powerOff(owner);
        for (let second = 0; second < 180; second++) {
          rig.time.advance(1000);
          expect(rig.witness.answering(rig.client, key)).toEqual([]);
        }
        rig.expectRest();
      });
    }
  },
);

test.each([
  { name: 'halves of ten', size: 10, apart: 5 },
  { name: 'one of three', size: 3, apart: 1 },
  { name: 'ten of fifty', size: 50, apart: 10 },
])(
  'a switch is cut in two ($name): each side serves; healed, one owner within one interval + 150 ms',
  ({ name, size, apart }) => {
    const interval = size === 50 ? 62.5 : 50;
    for (const seed of seedsToPlay(size === 50 ? 1 : 4).slice(0, size === 50 ? 4 : undefined)) {
      play(seed, { size, addresses: size === 50 ? 50 : 10, warmUp: size === 50 ? 2500 : 5000 }, (rig) => {
        const far = rig.witness.addClient('client beyond', 0);
        const cut = rig.time.now();
        for (const node of rig.names.slice(0, apart)) rig.port(node).side = 1;
        far.port.side = 1;
        rig.changed();
        rig.time.advance(20_000);
        for (const ip of rig.keys) {
          expect(rig.witness.answering(rig.client, ip), `${ip} on the larger side`).toHaveLength(1);
          // Who is alone, and hears nobody at all, answers for nothing: it cannot tell its own port from a broken switch.
          expect(rig.witness.answering(far, ip), `${ip} on the other side`).toHaveLength(apart === 1 ? 0 : 1);
        }
        const takenOver = rig.figures('', cut).outages.filter((outage) => outage < 10_000);
        for (const port of [...rig.names.map((node) => rig.port(node)), far.port]) port.side = 0;
        rig.changed();
        const healed = rig.time.now();
        expect(rig.settle(5000), 'until one owner is left').toBeLessThanOrEqual(interval + 150);
        rig.time.advance(15_000);
        rig.expectRest();
        expect(rig.longest('two', healed)).toBeLessThanOrEqual(interval + 150);
        expect(rig.longest('none', healed)).toBe(0);
        shown.add(rig.figures(`healing, ${name}`, healed, { outages: takenOver, lasted: 0 }));
      });
    }
  },
);
