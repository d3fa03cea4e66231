import type { ConfigMapView } from '../domain/objects.ts';
import type { Log } from '../lib/log.ts';
import type { Result } from '../lib/result.ts';
import { type Clock, untilAborted } from '../lib/time.ts';
import type { Api } from './client/api.ts';
import { type ConfigMapText, projectConfigMap } from './projections.ts';
import { resources } from './resources.ts';
import { watchObject, type WatchedObject } from './watch/watched-object.ts';

export type LegacyConfigMapOptions = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** Name of the ConfigMap (`--config`); empty: none is looked at. */
  readonly name: string;
  /** Told after the view has changed. */
  readonly onChange: () => void;
};

/** The ConfigMap that configured MetalLB before version 0.13, kept current. */
export type LegacyConfigMap = {
  /** As it is now, or was when its text could be read; undefined if there is none. */
  readonly view: () => ConfigMapView | undefined;
  /** The version of what `view` gives: a write with it is refused if anything was written since that nobody has read. */
  readonly resourceVersion: () => string | undefined;
  /** Makes a write of it, whose answer counts at once. */
  readonly write: WatchedObject<ConfigMapText>['write'];
  /** Settles when it has been looked for once, and been parsed. */
  readonly synced: Promise<void>;
  /** Keeps the view current until `signal` aborts. Rejects only for a fault of ours. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

type Parsed = {
  readonly text: string;
  /** What the text says, or if it is not YAML what the one before it said. */
  readonly config: Result<unknown>;
  readonly newerError?: string;
};

/** What is shown, and of what version. */
type Shown = { readonly view: ConfigMapView; readonly resourceVersion: string; readonly parsed: Parsed | undefined };

/** Watches the ConfigMap; nothing happens until `run`. The YAML parser is loaded when there is something to parse. */
export const watchLegacyConfigMap = (options: LegacyConfigMapOptions): LegacyConfigMap => {
  const { log, namespace, name, onChange } = options;
  const fault = Promise.withResolvers<never>();
  let shown: Shown | undefined;
  /** The parsing under way. */
  let parsing: Promise<void> = Promise.resolve();

  const show = (map: ConfigMapText, parsed: Parsed | undefined): void => {
    const { uid, isInUse, resourceVersion } = map;
    const before = shown?.view;
    const isSame = before?.uid === uid && before.isInUse === isInUse && shown?.parsed === parsed;
    if (!isSame && parsed === undefined) tellGone();
    const view = isSame
      ? before
      : {
          namespace: map.namespace,
          name: map.name,
          uid,
          isInUse,
          config: parsed?.config,
          resourceVersion,
          ...(parsed?.newerError !== undefined && { newerError: parsed.newerError }),
        };
    shown = { view, resourceVersion, parsed };
    if (!isSame) onChange();
  };

  const hide = (): void => {
    tellGone();
    shown = undefined;
    onChange();
  };

  const tellGone = (): void => {
    if (shown?.view.isInUse !== true || shown.view.config === undefined) return;
    log.warn('the old configuration is gone: its pools give no more addresses', { configMap: `${namespace}/${name}` });
  };

  const parse = async (text: string): Promise<void> => {
    const { parseLegacyDocument } = await import('../domain/legacy/parse-document.ts');
    const map = watched.current();
    // Something newer has come meanwhile, and has its own turn.
    if (map?.config !== text || shown?.parsed?.text === text) return;
    const config = parseLegacyDocument(text);
    const former = shown?.parsed;
    // As MetalLB did: a slip in an editor must not withdraw every address.
    if (!config.ok && former?.config.ok) show(map, { text, config: former.config, newerError: config.error });
    else show(map, { text, config });
  };

  const watched = watchObject<ConfigMapText>({
    ...options,
    resource: resources.configMaps,
    project: projectConfigMap,
    onChange: () => {
      const map = watched.current();
      if (map === undefined) hide();
      else if (map.config === undefined) show(map, undefined);
      else if (shown?.parsed?.text === map.config) show(map, shown.parsed);
      else parsing = parse(map.config).catch(fault.reject);
    },
  });

  return {
    view: () => shown?.view,
    resourceVersion: () => shown?.resourceVersion,
    write: watched.write,
    synced: name === '' ? Promise.resolve() : watched.synced.then(async () => parsing),
    run: async (signal) => {
      if (name === '') await untilAborted(signal);
      else await Promise.race([watched.run(signal), fault.promise]);
    },
  };
};
