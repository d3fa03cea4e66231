import type { ConfigMapView } from '../domain/objects.ts';
import type { Log } from '../lib/log.ts';
import type { Result } from '../lib/result.ts';
import { type Clock, untilAborted } from '../lib/time.ts';
import type { Api } from './api.ts';
import { type ConfigMapText, projectConfigMap } from './projections.ts';
import { createReflector } from './reflector.ts';
import { collectionPath, resources } from './resources.ts';

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
  /** As it is now; undefined if there is none. */
  readonly view: () => ConfigMapView | undefined;
  /** The version of what `view` gives, for a write. */
  readonly resourceVersion: () => string | undefined;
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

/** Watches the ConfigMap; nothing happens until `run`. The YAML parser is loaded when there is something to parse. */
export const watchLegacyConfigMap = (options: LegacyConfigMapOptions): LegacyConfigMap => {
  const { api, clock, log, namespace, name, onChange } = options;
  const fault = Promise.withResolvers<never>();
  /** The last text that came; `view` follows when it is parsed. */
  let latest: ConfigMapText | undefined;
  let resourceVersion: string | undefined;
  let view: ConfigMapView | undefined;
  let parsed: Parsed | undefined;
  /** The parsing under way. */
  let parsing: Promise<void> = Promise.resolve();

  const show = (map: ConfigMapText | undefined, now: Parsed | undefined): void => {
    parsed = now;
    if (view?.isInUse && view.config !== undefined && now === undefined) {
      log.warn('the old configuration is gone: its pools give no more addresses', {
        configMap: `${namespace}/${name}`,
      });
    }
    view = map && {
      namespace: map.namespace,
      name: map.name,
      uid: map.uid,
      isInUse: map.isInUse,
      config: now?.config,
      ...(now?.newerError !== undefined && { newerError: now.newerError }),
    };
    onChange();
  };

  const parse = async (map: ConfigMapText, text: string): Promise<void> => {
    const { parseLegacyDocument } = await import('../domain/legacy/parse-document.ts');
    // Something newer has come meanwhile, and has its own turn.
    if (latest !== map) return;
    const config = parseLegacyDocument(text);
    // As MetalLB did: a slip in an editor must not withdraw every address.
    if (!config.ok && parsed?.config.ok) show(map, { text, config: parsed.config, newerError: config.error });
    else show(map, { text, config });
  };

  const take = (map: ConfigMapText | undefined): void => {
    latest = map;
    if (map?.config === undefined) show(map, undefined);
    else if (parsed?.text === map.config) show(map, parsed);
    else parsing = parse(map, map.config).catch(fault.reject);
  };

  const reflector = createReflector({
    api,
    clock,
    log,
    path: collectionPath(resources.configMaps, namespace),
    fieldSelector: `metadata.name=${name}`,
    project: projectConfigMap,
    onChange: (change) => {
      resourceVersion = change.type === 'deleted' ? undefined : change.now.resourceVersion;
      if (change.type === 'deleted') take(undefined);
      else if (change.type === 'added' || change.changed) take(change.now);
    },
  });

  return {
    view: () => view,
    resourceVersion: () => resourceVersion,
    synced: name === '' ? Promise.resolve() : reflector.synced.then(async () => parsing),
    run: async (signal) => {
      if (name === '') await untilAborted(signal);
      else await Promise.race([reflector.run(signal), fault.promise]);
    },
  };
};
