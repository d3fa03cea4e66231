import { isObject } from '../../lib/json.ts';
import type { ProblemReason } from '../config/custom-resource.ts';

/** Takes note of what is wrong with the document at a path such as `address-pools[0].addresses[1]`. */
export type Note = (path: string, message: string, reason?: ProblemReason) => void;

/** A value of the document, not looked at yet, and where it stands. */
export type Item<Value = unknown> = { readonly value: Value; readonly path: string };

/** A whole number and its bounds, both included. */
type Bounds = { readonly min: number; readonly max: number };

/**
 * Reads one map of the document key by key, as strictly as MetalLB did: what is of another kind than asked for counts as
 * absent and is a fault, and so is every key that nobody asked for. Empty and null mean absent.
 */
export type MapReader = {
  readonly path: string;
  /** The path of a key. */
  readonly at: (key: string) => string;
  readonly text: (key: string) => string | undefined;
  readonly integer: (key: string, bounds: Bounds) => number | undefined;
  readonly truth: (key: string) => boolean | undefined;
  /** The items of a list; none if it is absent. */
  readonly list: (key: string) => readonly Item[];
  /** The items of a list of texts; null is the empty text. */
  readonly texts: (key: string) => readonly Item<string>[];
  /** The texts of a map in the order in which they stand. */
  readonly textMap: (key: string) => readonly (readonly [key: string, item: Item<string>])[];
  /** Opens an item of a list as a map whose faults are faults of this map. */
  readonly open: (item: Item) => MapReader | undefined;
  /** Notes that the map cannot be used because of what stands at a path. */
  readonly fault: (path: string, message: string) => void;
  /** Notes the keys that nobody asked for, with advice for some of them. Whether all was well. */
  readonly end: (advised?: Readonly<Record<string, string>>) => boolean;
};

const kindOf = (value: unknown): string =>
  value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : 'text';

const notParsed = (message: string): string => `could not parse config: ${message}`;

/** A key that is not a plain word is quoted. */
const step = (key: string): string => (/^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);

// What the YAML of MetalLB's time took for a truth.
const truths = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const falsehoods = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);

/** Opens a map for reading; null counts as the empty map. What is no map is noted and gives undefined. */
export const openMap = ({ value, path }: Item, note: Note): MapReader | undefined => {
  if (value !== null && !isObject(value)) {
    note(path, notParsed(`must be a map, and is ${kindOf(value)}`));
    return undefined;
  }
  const fields = new Map(Object.entries(value ?? {}));
  const unread = new Set(fields.keys());
  const asked = new Set<string>();
  const faulty = new Set<string>();

  const at = (key: string): string => (path === '' ? step(key).replace(/^\./, '') : path + step(key));
  const fault = (where: string, message: string): void => {
    // The first one says it: a number that cannot be read is not missing as well.
    if (!faulty.has(where)) note(where, message);
    faulty.add(where);
  };
  const take = (key: string): unknown => {
    unread.delete(key);
    asked.add(key);
    return fields.get(key) ?? undefined;
  };
  const text = (key: string): string | undefined => {
    const found = take(key);
    if (found === undefined || typeof found === 'string') return found || undefined;
    fault(at(key), notParsed(`must be text, and is ${kindOf(found)}`));
    return undefined;
  };
  const list = (key: string): readonly Item[] => {
    const found = take(key);
    if (Array.isArray(found)) return found.map((value: unknown, index) => ({ value, path: `${at(key)}[${index}]` }));
    if (found !== undefined) fault(at(key), notParsed(`must be a list, and is ${kindOf(found)}`));
    return [];
  };
  const asText = ({ value, path }: Item): Item<string> => {
    if (typeof value === 'string') return { value, path };
    if (value !== null) fault(path, notParsed(`must be text, and is ${kindOf(value)}`));
    return { value: '', path };
  };

  return {
    path,
    at,
    text,
    list,
    integer: (key, { min, max }) => {
      const found = text(key);
      if (found === undefined) return undefined;
      const number = /^([+-]?\d+|0x[\da-fA-F]+)$/.test(found) ? Number(found) : Number.NaN;
      if (number >= min && number <= max) return number;
      fault(at(key), notParsed(`${JSON.stringify(found)} is not a whole number from ${min} to ${max}`));
      return undefined;
    },
    truth: (key) => {
      const found = text(key);
      if (found === undefined || truths.has(found)) return found === undefined ? undefined : true;
      if (!falsehoods.has(found)) fault(at(key), notParsed(`${JSON.stringify(found)} is neither true nor false`));
      return falsehoods.has(found) ? false : undefined;
    },
    texts: (key) => list(key).map(asText),
    textMap: (key) => {
      const found = take(key);
      if (isObject(found)) {
        const where = at(key);
        return Object.entries(found).map(([name, value]) => [name, asText({ value, path: where + step(name) })]);
      }
      if (found !== undefined) fault(at(key), notParsed(`must be a map, and is ${kindOf(found)}`));
      return [];
    },
    open: (item) => openMap(item, fault),
    fault,
    end: (advised = {}) => {
      for (const key of unread) {
        // Custom resources write the same names in another way.
        const alike = key.replace(/[A-Z]+/g, (letters) => `-${letters.toLowerCase()}`).replaceAll('_', '-');
        const former = Object.hasOwn(advised, key) ? advised[key] : undefined;
        const advice = former ?? (asked.has(alike) ? `it is written "${alike}" here` : '');
        fault(at(key), notParsed(`unknown field ${JSON.stringify(key)}${advice && `: ${advice}`}`));
      }
      return faulty.size === 0;
    },
  };
};
