import { describe, expect, test } from 'vitest';
import type { Configuration } from '../src/domain/config/configuration.ts';
import type { NodeView, ServiceView, SpeakerPodView } from '../src/domain/objects.ts';
import { configurationOf, poolOf, serviceView } from '../test/support/builders.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { createSpeaker } from './speaker.ts';

const advertised: Configuration = configurationOf([poolOf('main', '10.0.0.0/24')]);

/** A speaker on node-b, which comes before node-c and node-a for 10.0.0.10, in a cluster that a test writes by hand. */
const rig = () => {
  const services = new Map<string, ServiceView>();
  const nodes = new Map<string, NodeView>();
  const pods = new Map<string, SpeakerPodView>();
  let configuration = advertised;
  const announced: string[] = [];
  const decided: string[] = [];
  const logged: unknown[] = [];
  const speaker = createSpeaker({
    self: 'node-b',
    loadBalancerClass: '',
    ignoreExcludeLabel: false,
    mirrors: {
      services: {
        get: (key) => {
          decided.push(key);
          return services.get(key);
        },
        values: () => services.values(),
      },
      nodes,
      pods,
      configuration: () => configuration,
    },
    responder: {
      announce: (ip) => void announced.push(ip),
      withdraw: (ip) => void announced.splice(announced.indexOf(ip), 1),
    },
    recorder: { record: () => {} },
    announced: { set: () => {}, remove: () => {} },
    log: {
      ...silentLog,
      info: (_, fields) => logged.push(fields?.['event']),
      warn: (_, fields) => logged.push(fields?.['event']),
    },
  });
  return {
    speaker,
    announced,
    logged,
    /** Which services were looked at since the last call. */
    decided: (): readonly string[] => decided.splice(0),
    service: (ip: string): void => {
      const now = serviceView({ name: ip, ingress: [{ ip }] });
      services.set(now.key, now);
      speaker.onService({ type: 'added', key: now.key, now });
    },
    slice: (ip: string): void => {
      const key = `default/${ip}-1`;
      const now = { key, serviceKey: `default/${ip}`, endpoints: [{ nodeName: 'node-c', usable: true }] };
      speaker.onSlice({ type: 'added', key, now });
    },
    pod: (nodeName: string, ready: boolean): void => {
      const before = pods.get(nodeName);
      const now = { key: nodeName, nodeName, ready };
      pods.set(nodeName, now);
      if (before === undefined) speaker.onPod({ type: 'added', key: nodeName, now });
      else speaker.onPod({ type: 'updated', key: nodeName, before, now, changed: before.ready !== ready });
    },
    node: (name: string, labels: NodeView['labels']): void => {
      const now = { name, labels, networkUnavailable: false };
      nodes.set(name, now);
      speaker.onNode({ type: 'added', key: name, now });
    },
    configure: (changed: Configuration): void => {
      configuration = changed;
      speaker.onConfiguration();
    },
  };
};

const running = () => {
  const test_ = rig();
  for (const node of ['node-a', 'node-b', 'node-c']) test_.pod(node, true);
  test_.speaker.onInterfaces(['eth0']);
  test_.speaker.synced();
  return test_;
};

describe('a starting speaker', () => {
  test('announces nothing until every mirror is read and the responder runs', () => {
    for (const order of ['mirrors first', 'responder first']) {
      const { speaker, announced, pod, service, slice } = rig();
      pod('node-b', false);
      service('10.0.0.10');
      slice('10.0.0.10');
      const steps = [speaker.synced, (): void => speaker.onInterfaces(['eth0'])];
      const [first, second] = order === 'mirrors first' ? steps : steps.toReversed();
      first!();
      expect([speaker.isReady(), announced], order).toEqual([false, []]);
      second!();
      expect([speaker.isReady(), announced], order).toEqual([true, ['10.0.0.10']]);
    }
  });

  test('is ready before its own pod is, and announces nothing until then', () => {
    const { speaker, announced, pod, service, slice } = rig();
    for (const node of ['node-a', 'node-c']) pod(node, true);
    pod('node-b', false);
    speaker.onInterfaces(['eth0']);
    speaker.synced();
    service('10.0.0.10');
    slice('10.0.0.10');
    expect([speaker.isReady(), announced]).toEqual([true, []]);
    pod('node-b', true);
    expect(announced).toEqual(['10.0.0.10']);
  });

  test('that does not find its own pod announces nothing, and says so', () => {
    const { speaker, announced, logged, pod, service, slice } = rig();
    service('10.0.0.10');
    slice('10.0.0.10');
    speaker.onInterfaces(['eth0']);
    speaker.synced();
    expect([speaker.isReady(), announced, logged]).toEqual([true, [], ['ownPodNotFound']]);
    pod('node-a', false);
    expect([announced, logged]).toEqual([[], ['ownPodNotFound']]);
    pod('node-b', true);
    expect([announced, logged]).toEqual([['10.0.0.10'], ['ownPodNotFound', 'ownPodFound', 'serviceAnnounced']]);
  });
});

describe('a running speaker', () => {
  test('announces when the service comes before its endpoints, and when it comes after them', () => {
    const { announced, service, slice } = running();
    service('10.0.0.10');
    expect(announced).toEqual([]);
    slice('10.0.0.10');
    slice('10.0.0.11');
    service('10.0.0.11');
    expect(announced).toEqual(['10.0.0.10', '10.0.0.11']);
  });

  test('takes over from a node whose speaker is not ready any more', () => {
    const { announced, service, slice, pod } = running();
    service('10.0.0.6'); // node-c, node-b, node-a
    slice('10.0.0.6');
    expect(announced).toEqual([]);
    pod('node-c', false);
    expect(announced).toEqual(['10.0.0.6']);
    pod('node-c', true);
    expect(announced).toEqual([]);
  });

  test('looks at no service for an update that changes nothing, or no candidate', () => {
    const { speaker, service, slice, pod, node, decided } = running();
    service('10.0.0.10');
    slice('10.0.0.10');
    decided();
    const now = { name: 'node-a', labels: {}, networkUnavailable: false };
    speaker.onService({ type: 'updated', key: 'default/10.0.0.10', before: {}, now: {}, changed: false } as never);
    speaker.onNode({ type: 'updated', key: 'node-a', before: { ...now, labels: { zone: 'a' } }, now, changed: true });
    node('node-d', {});
    pod('node-a', true);
    expect(decided()).toEqual([]);
    pod('node-a', false);
    expect(decided()).toEqual(['default/10.0.0.10']);
  });

  test('falls silent when its node gets the exclude label', () => {
    const { announced, service, slice, node } = running();
    service('10.0.0.10');
    slice('10.0.0.10');
    node('node-b', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
    expect(announced).toEqual([]);
    node('node-b', {});
    expect(announced).toEqual(['10.0.0.10']);
  });

  test('follows the configuration', () => {
    const { announced, service, slice, configure } = running();
    service('10.0.0.10');
    slice('10.0.0.10');
    configure(configurationOf([]));
    expect(announced).toEqual([]);
    configure(advertised);
    expect(announced).toEqual(['10.0.0.10']);
  });
});
