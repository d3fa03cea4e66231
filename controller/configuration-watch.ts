import { assembleConfiguration, nothingConfigured } from '../src/domain/config/assemble.ts';
import type { Configuration, ConfigurationProblem } from '../src/domain/config/configuration.ts';
import type { CustomResource } from '../src/domain/config/custom-resource.ts';
import type { NamespaceView } from '../src/domain/objects.ts';
import { projectCustomResource } from '../src/k8s/custom-resource.ts';
import { object } from '../src/k8s/raw.ts';
import type { WrittenCounters } from './pool-status-writer.ts';

/** What we keep of an `IPAddressPool`: the object, and the counters that stand in its status. */
export type PoolView = { readonly resource: CustomResource; readonly counters: WrittenCounters | undefined };

/** From a raw `IPAddressPool`. */
export const projectPool = (raw: unknown): PoolView | undefined => {
  const resource = projectCustomResource(raw);
  return resource && { resource, counters: projectCounters(object(raw)['status']) };
};

const projectCounters = (status: unknown): WrittenCounters | undefined => {
  const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = object(status);
  return typeof assignedIPv4 === 'number' &&
    typeof assignedIPv6 === 'number' &&
    typeof availableIPv4 === 'number' &&
    typeof availableIPv6 === 'number'
    ? { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 }
    : undefined;
};

export type ConfigurationWatchOptions = {
  readonly pools: { readonly values: () => Iterable<PoolView> };
  readonly l2Advertisements: { readonly values: () => Iterable<CustomResource> };
  readonly namespaces: { readonly values: () => Iterable<NamespaceView> };
  readonly metallbNamespace: string;
  /** Told of every new configuration, the first one included. */
  readonly onConfiguration: (configuration: Configuration) => void;
  /** Told of all problems that stand now. */
  readonly onProblems: (problems: readonly ConfigurationProblem[]) => void;
};

/** Assembles the configuration anew after changes; those of one turn of the event loop count as one. */
export type ConfigurationWatch = {
  /** Assembles for the first time: everything has been listed. */
  readonly start: () => void;
  /** Something of what the configuration is made of has changed. */
  readonly touch: () => void;
};

/** Makes the watch; nothing is assembled before `start`. */
export const configurationWatch = (options: ConfigurationWatchOptions): ConfigurationWatch => {
  const { pools, l2Advertisements, namespaces, metallbNamespace, onConfiguration, onProblems } = options;
  let isStarted = false;
  let isTouched = false;
  const assemble = (): void => {
    isTouched = false;
    const { configuration, problems } = assembleConfiguration({
      ...nothingConfigured,
      pools: Array.from(pools.values(), ({ resource }) => resource),
      l2Advertisements: [...l2Advertisements.values()],
      namespaces: [...namespaces.values()],
      metallbNamespace,
    });
    onProblems(problems);
    onConfiguration(configuration);
  };
  return {
    start: () => {
      isStarted = true;
      assemble();
    },
    touch: () => {
      if (!isStarted || isTouched) return;
      isTouched = true;
      queueMicrotask(assemble);
    },
  };
};
