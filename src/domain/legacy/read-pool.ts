import { checkCommunity } from './read-communities.ts';
import { type Item, type MapReader, type Note, openMap } from './map-reader.ts';
import { withoutAbsent } from './without-absent.ts';

/** An entry of `address-pools`. */
export type LegacyPool = {
  readonly name: string;
  /** Spec of the `IPAddressPool`; undefined if there is a fault in it: then only the advertisements count. */
  readonly spec: object | undefined;
  readonly protocol: 'layer2' | 'bgp';
  /**
   * Of a `bgp` pool: specs of the `BGPAdvertisement`s without the pool. One that is wrong is undefined, so that the
   * others keep their numbers.
   */
  readonly advertisements: readonly Item<object | undefined>[];
};

/** Keys of the very first versions. */
const formerKeys = {
  cidr: 'the ranges of a pool stand under "addresses"',
  advertisements: 'they stand under "bgp-advertisements"',
};

/**
 * Reads an entry of `address-pools`; undefined if nobody can tell what it is called or how it is announced. The addresses
 * are checked as those of every `IPAddressPool` are, later. `number` counts from 1.
 */
export const readPool = (
  item: Item,
  number: number,
  aliases: ReadonlySet<string>,
  note: Note,
): LegacyPool | undefined => {
  const pool = openMap(item, note);
  if (pool === undefined) return undefined;
  const prefix = `parsing address pool #${number}: `;

  const name = pool.text('name') ?? '';
  if (name === '') pool.fault(pool.at('name'), `${prefix}missing pool name`);
  const protocol = pool.text('protocol');
  if (protocol === undefined) pool.fault(pool.at('protocol'), `${prefix}address pool is missing the protocol field`);
  else if (protocol !== 'layer2' && protocol !== 'bgp') {
    pool.fault(pool.at('protocol'), `${prefix}unknown protocol ${JSON.stringify(protocol)}`);
  }
  const addresses = pool.texts('addresses').map(({ value }) => value);
  if (addresses.length === 0) pool.fault(pool.at('addresses'), `${prefix}pool has no prefixes defined`);
  const spec = {
    addresses,
    autoAssign: pool.truth('auto-assign'),
    avoidBuggyIPs: pool.truth('avoid-buggy-ips') || undefined,
  };
  const items = pool.list('bgp-advertisements');
  const isSound = pool.end(formerKeys);
  const advertisements = readAdvertisements(items, prefix, aliases, note);
  if (name === '' || (protocol !== 'layer2' && protocol !== 'bgp')) return undefined;

  if (protocol === 'layer2' && items.length > 0) {
    const message = 'cannot have bgp-advertisements configuration element in a layer2 address pool';
    note(pool.at('bgp-advertisements'), prefix + message);
  }
  return {
    name,
    spec: isSound ? withoutAbsent(spec) : undefined,
    protocol,
    advertisements: protocol === 'layer2' ? [] : items.length > 0 ? advertisements : [{ value: {}, path: item.path }],
  };
};

const readAdvertisements = (
  items: readonly Item[],
  prefix: string,
  aliases: ReadonlySet<string>,
  note: Note,
): readonly Item<object | undefined>[] => {
  const seen = new Map<string, number>();
  return items.map((item, index) => {
    const value = readAdvertisement(item, prefix, aliases, note);
    const text = JSON.stringify(value);
    const first = seen.get(text);
    if (value === undefined || first === undefined) {
      seen.set(text, index + 1);
      return { value, path: item.path };
    }
    const message = `duplicate definition of bgpadvertisements. advertisement ${first} and ${index + 1} are equal`;
    note(item.path, prefix + message, 'DuplicateDefinition');
    return { value: undefined, path: item.path };
  });
};

const readAdvertisement = (
  item: Item,
  prefix: string,
  aliases: ReadonlySet<string>,
  note: Note,
): object | undefined => {
  const advertisement = openMap(item, note);
  if (advertisement === undefined) return undefined;
  const length = (key: string, family: string, max: number): number | undefined => {
    const value = advertisement.integer(key, { min: 0, max: 0xffff });
    if (value !== undefined && (value < 1 || value > max)) {
      const message = `invalid aggregation length ${value} for ${family}: must be from 1 to ${max}`;
      advertisement.fault(advertisement.at(key), prefix + message);
    }
    return value;
  };
  const spec = {
    aggregationLength: length('aggregation-length', 'IPv4', 32),
    aggregationLengthV6: length('aggregation-length-v6', 'IPv6', 128),
    localPref: advertisement.integer('localpref', { min: 0, max: 0xffff_ffff }) || undefined,
    communities: readCommunityNames(advertisement, prefix, aliases, note),
  };
  return advertisement.end() ? withoutAbsent(spec) : undefined;
};

/** A word that is no alias of the document is left to the `Community` objects. */
const readCommunityNames = (
  advertisement: MapReader,
  prefix: string,
  aliases: ReadonlySet<string>,
  note: Note,
): readonly string[] | undefined => {
  const names = new Set<string>();
  for (const { value, path } of advertisement.texts('communities')) {
    const quoted = JSON.stringify(value);
    if (names.has(value)) note(path, `${prefix}duplicate definition of community ${quoted}`, 'DuplicateDefinition');
    names.add(value);
    if (aliases.has(value) || !value.includes(':')) continue;
    const checked = checkCommunity(value);
    if (checked.ok) continue;
    const message = `parsing BGP communities: invalid community ${quoted} in BGP advertisement: ${checked.error}`;
    advertisement.fault(path, prefix + message);
  }
  return names.size === 0 ? undefined : [...names];
};
