import type { Ip } from '../../../src/lib/ip.ts';
import { type Port, reaches } from './lan.ts';
import type { Network } from './network.ts';
import type { Speaker } from './speaker.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A time in which a client saw that many nodes answer for an address, by the time of the world. */
export type Interval = {
  readonly client: string;
  readonly ip: Ip;
  readonly nodes: readonly string[];
  readonly from: number;
  readonly to: number;
};

/** A time in which what a client sent to an address reached nobody, though it knew a MAC for it. */
export type Loss = { readonly client: string; readonly ip: Ip; readonly from: number; readonly to: number };

/** A host that uses the addresses, and whose neighbour table is what counts. */
export type Client = { readonly name: string; readonly port: Port };

/** Looks on as clients do: from a place on a segment, at whoever answers and can be reached there. */
export type Witness = {
  /** From now on the address is to be answered, everywhere or on these segments. */
  readonly expect: (ip: Ip, segments?: readonly string[]) => void;
  readonly dismiss: (ip: Ip) => void;
  readonly addClient: (name: string, segment: number) => Client;
  /** Something changed for one address, or for all. */
  readonly look: (ip: Ip) => void;
  readonly lookAtAll: () => void;
  readonly onAnswer: (speaker: Speaker, ip: Ip) => void;
  /** Who answers for an address now, as a client sees it. */
  readonly answering: (client: Client, ip: Ip) => readonly string[];
  /** Everything since a time, what lasts included. */
  readonly intervals: (since: number) => readonly Interval[];
  readonly losses: (since: number) => readonly Loss[];
  readonly clients: readonly Client[];
  readonly addresses: () => readonly Ip[];
  readonly isExpected: (client: Client, ip: Ip) => boolean;
};

type Watched = {
  readonly client: Client;
  readonly ip: Ip;
  nodes: readonly string[];
  since: number;
  /** Where the client sends to. */
  known: Port | undefined;
  isServed: boolean;
  servedSince: number;
};

/** `isAlive` says whether what arrives at a port is forwarded. */
export const createWitness = (time: VirtualTime, network: Network, isAlive: (port: Port) => boolean): Witness => {
  const clients: (Client & { readonly watched: Map<Ip, Watched> })[] = [];
  const expected = new Map<Ip, readonly string[] | undefined>();
  const speakers = new Map<Ip, Set<Speaker>>();
  const intervals: Interval[] = [];
  const losses: Loss[] = [];

  const answering = ({ port }: Client, ip: Ip): readonly string[] => {
    const nodes: string[] = [];
    for (const speaker of speakers.get(ip) ?? []) {
      for (const [index, own] of speaker.host.ports) {
        if (own.segment !== port.segment || !speaker.answers(ip, index)) continue;
        if (!reaches(port, own) || !reaches(own, port)) continue;
        nodes.push(speaker.host.name);
        break;
      }
    }
    return nodes.sort();
  };

  const isExpected = ({ port }: Client, ip: Ip): boolean =>
    expected.has(ip) && (expected.get(ip)?.includes(port.segment.name) ?? true);

  const close = ({ client, ip, nodes, since, isServed, servedSince }: Watched): void => {
    const now = time.now();
    if (now > since) intervals.push({ client: client.name, ip, nodes, from: since, to: now });
    if (!isServed && now > servedSince) losses.push({ client: client.name, ip, from: servedSince, to: now });
  };

  const isServed = ({ client, known }: Watched): boolean =>
    known !== undefined && isAlive(known) && reaches(client.port, known) && reaches(known, client.port);

  const lookFrom = (watched: Watched): void => {
    const now = time.now();
    const nodes = answering(watched.client, watched.ip);
    if (nodes.join() !== watched.nodes.join()) {
      if (now > watched.since)
        intervals.push({
          client: watched.client.name,
          ip: watched.ip,
          nodes: watched.nodes,
          from: watched.since,
          to: now,
        });
      watched.nodes = nodes;
      watched.since = now;
    }
    const served = isServed(watched);
    if (served === watched.isServed) return;
    if (served) losses.push({ client: watched.client.name, ip: watched.ip, from: watched.servedSince, to: now });
    watched.isServed = served;
    watched.servedSince = now;
  };

  const watch = (client: (typeof clients)[number], ip: Ip): void => {
    if (!isExpected(client, ip) || client.watched.has(ip)) return;
    const now = time.now();
    const watched = { client, ip, nodes: [], since: now, known: undefined, isServed: false, servedSince: now };
    client.watched.set(ip, watched);
    lookFrom(watched);
  };

  const look = (ip: Ip): void => {
    for (const { watched } of clients) {
      const one = watched.get(ip);
      if (one !== undefined) lookFrom(one);
    }
  };

  return {
    expect: (ip, segments) => {
      expected.set(ip, segments);
      for (const client of clients) watch(client, ip);
    },
    dismiss: (ip) => {
      expected.delete(ip);
      for (const { watched } of clients) {
        const one = watched.get(ip);
        if (one !== undefined) close(one);
        watched.delete(ip);
      }
    },
    addClient: (name, segment) => {
      const watched = new Map<Ip, Watched>();
      const port: Port = network.plug(name, network.segments[segment]!, undefined, (frame, from) => {
        const one = frame.type === 'claim' ? watched.get(frame.ip) : undefined;
        if (one === undefined) return;
        one.known = from;
        lookFrom(one);
      });
      const client = { name, port, watched };
      clients.push(client);
      for (const ip of expected.keys()) watch(client, ip);
      return client;
    },
    look,
    lookAtAll: () => {
      for (const { watched } of clients) for (const one of watched.values()) lookFrom(one);
    },
    onAnswer: (speaker, ip) => {
      let known = speakers.get(ip);
      if (known === undefined) speakers.set(ip, (known = new Set()));
      known.add(speaker);
      look(ip);
      if (speaker.state() === 'dead') known.delete(speaker);
    },
    answering,
    intervals: (since) => {
      const lasting = clients.flatMap(({ watched }) =>
        Array.from(watched.values(), ({ client, ip, nodes, since: from }) => ({
          client: client.name,
          ip,
          nodes,
          from,
          to: time.now(),
        })),
      );
      return [...intervals, ...lasting]
        .filter(({ to }) => to > since)
        .map((interval) => ({ ...interval, from: Math.max(since, interval.from) }));
    },
    losses: (since) => {
      const lasting = clients.flatMap(({ watched }) =>
        Array.from(watched.values())
          .filter((one) => !one.isServed)
          .map(({ client, ip, servedSince }) => ({ client: client.name, ip, from: servedSince, to: time.now() })),
      );
      return [...losses, ...lasting]
        .filter(({ to }) => to > since)
        .map((loss) => ({ ...loss, from: Math.max(since, loss.from) }));
    },
    clients,
    addresses: () => [...expected.keys()],
    isExpected,
  };
};
