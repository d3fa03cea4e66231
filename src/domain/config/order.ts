import { compareText } from '../../lib/sorted.ts';
import type { CustomResource } from './custom-resource.ts';

/**
 * The oldest first: where objects cannot both be in force, the one that was there first stays. Entries of the old
 * ConfigMap come last, and keep their order when the sorting is stable.
 */
export const byAge = (a: CustomResource, b: CustomResource): number =>
  Number(a.origin !== undefined) - Number(b.origin !== undefined) ||
  (a.origin === undefined
    ? compareText(createdAt(a), createdAt(b)) || compareText(a.metadata.name, b.metadata.name)
    : 0);

/** An object without a time is about to be created: it sorts behind every date. */
const createdAt = ({ metadata }: CustomResource): string => metadata.creationTimestamp ?? '~';

/** By name, for what users see. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  compareText(a.name, b.name);
