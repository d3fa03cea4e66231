import type { ObjectKey } from '../objects.ts';

/** What decides with whom a service may share an address. */
export type Sharing = {
  /** Value of the annotation `metallb.io/allow-shared-ip`; empty: shares with nobody. */
  readonly key: string;
  /** With `externalTrafficPolicy: Local` the selector as text, else empty: only equal backends share an address. */
  readonly backend: string;
  /** Protocol and port of each, such as `TCP/80`; no two services have the same one on one address. */
  readonly ports: readonly string[];
};

/** The terms of a service that shares with nobody. */
export const alone: Sharing = { key: '', backend: '', ports: [] };

/** Why a service may not have an address that others hold. */
export type SharingRefusal =
  /** Somebody shares with nobody, or under another key, or with other backends; `holders` are all the others. */
  | { readonly type: 'key'; readonly holders: readonly ObjectKey[] }
  /** The terms agree, but this port is the other service's. */
  | { readonly type: 'port'; readonly port: string; readonly holder: ObjectKey };

/** Services of the same circle may share an address; undefined: shares with nobody. */
export const circleOf = (sharing: Sharing | undefined): string | undefined =>
  // A selector has no line end, so different pairs never make the same text.
  sharing === undefined || sharing.key === '' ? undefined : `${sharing.backend}\n${sharing.key}`;

/** Whether two terms of sharing are the same. */
export const isSameSharing = (a: Sharing | undefined, b: Sharing | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.key === b.key &&
    a.backend === b.backend &&
    a.ports.length === b.ports.length &&
    a.ports.every((port, i) => port === b.ports[i]));
