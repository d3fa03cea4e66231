import type { Api } from '../../../src/k8s/client/api.ts';
import { createReflector } from '../../../src/k8s/watch/reflector.ts';
import { collectionPath, resources } from '../../../src/k8s/resources.ts';
import { realClock } from '../../../src/io/real-clock.ts';
import { silentLog } from '../silent-log.ts';

/** Looks at every state of every service, and remembers what should never be. */
export type AddressWitness = {
  /** Services of type LoadBalancer with a name that begins so, and the addresses in their status. */
  readonly addresses: (prefix: string) => ReadonlyMap<string, readonly string[]>;
  /** One sentence for each address that two services showed at once. */
  readonly doubles: readonly string[];
  /** Names of services whose status lost or changed an address. */
  readonly moved: ReadonlySet<string>;
  readonly stop: () => Promise<void>;
};

type View = { readonly name: string; readonly uid: string; readonly ips: readonly string[] };

/** Watches; nothing is missed, because each watch goes on where the one before ended. */
export const startAddressWitness = async (api: Api): Promise<AddressWitness> => {
  const services = new Map<string, View>();
  /** By address: who shows it. */
  const holders = new Map<string, string>();
  const doubles: string[] = [];
  const moved = new Set<string>();

  const give = ({ name, ips }: View): void => {
    for (const ip of ips) {
      const holder = holders.get(ip);
      if (holder !== undefined) doubles.push(`${ip}: ${holder} and ${name}`);
      holders.set(ip, name);
    }
  };
  const take = ({ name, ips }: View): void => {
    for (const ip of ips) if (holders.get(ip) === name) holders.delete(ip);
  };

  const reflector = createReflector<View>({
    api,
    clock: realClock,
    log: silentLog,
    path: collectionPath(resources.services),
    project: projectView,
    onChange: (change) => {
      const before = change.type === 'added' ? undefined : change.before;
      const now = change.type === 'deleted' ? undefined : change.now;
      if (before !== undefined) {
        take(before);
        services.delete(before.name);
        if (now?.uid === before.uid && !before.ips.every((ip) => now.ips.includes(ip))) moved.add(now.name);
      }
      if (now !== undefined) {
        give(now);
        services.set(now.name, now);
      }
    },
  });
  const ending = new AbortController();
  const running = reflector.run(ending.signal);
  await reflector.synced;
  return {
    addresses: (prefix) =>
      new Map([...services.values()].filter(({ name }) => name.startsWith(prefix)).map(({ name, ips }) => [name, ips])),
    doubles,
    moved,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
};

type RawService = {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly type?: string };
  readonly status: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
};

const projectView = (raw: unknown): View | undefined => {
  const { metadata, spec, status } = raw as RawService;
  if (spec.type !== 'LoadBalancer') return undefined;
  const ips = (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return { name: metadata.name, uid: metadata.uid, ips };
};
