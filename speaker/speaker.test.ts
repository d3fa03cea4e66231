import { describe, expect, test } from 'vitest';
import { configurationOf } from '../test/support/builders.ts';
import { runningRig, type SpeakerRig, speakerRig } from '../test/support/speaker-rig.ts';

const three = ['node-a', 'node-b', 'node-c'] as const;
const serve = (rig: SpeakerRig, name: string, ip: string): void => {
  rig.service(name, [ip]);
  rig.slice(name, ['node-c']);
};

describe('a starting speaker', () => {
  test('orders nothing until every mirror is read, the responder runs and the members are known', () => {
    const rig = speakerRig('node-b');
    serve(rig, 'web', '10.0.0.10');
    expect([rig.speaker.isReady(), rig.done()]).toEqual([false, []]);
    rig.speaker.synced();
    expect([rig.speaker.isReady(), rig.done()]).toEqual([false, []]);
    rig.members(...three);
    expect([rig.speaker.isReady(), [...rig.orders.keys()]]).toEqual([true, ['10.0.0.10']]);
    expect(rig.done()).toHaveLength(1);
  });

  test('knows of owners and of nodes that are not ready from before', () => {
    const rig = speakerRig('node-b');
    serve(rig, 'web', '10.0.0.10');
    rig.owner('10.0.0.10', 'node-c');
    rig.members(...three);
    for (const name of three) rig.node(name, { ready: name !== 'node-a' });
    rig.speaker.synced();
    expect(rig.orders.get('10.0.0.10')?.candidates).toEqual(['node-c', 'node-b', 'node-a']);
  });
});

describe('with membership by the API', () => {
  test('the ready pods are the members, and this node is not one before its own', () => {
    const rig = speakerRig('node-b', { membership: 'api', hasBeacon: false });
    for (const name of ['node-a', 'node-c']) rig.pod(name, true);
    rig.pod('node-b', false);
    rig.speaker.synced();
    serve(rig, 'web', '10.0.0.10');
    expect([rig.speaker.isReady(), rig.orders.get('10.0.0.10')]).toMatchObject([
      true,
      { candidates: ['node-c', 'node-a'], policy: 'exact' },
    ]);
    rig.pod('node-b', true);
    expect(rig.orders.get('10.0.0.10')?.candidates).toEqual(['node-b', 'node-c', 'node-a']);
  });

  test('a speaker that does not find its own pod takes no part, and says so', () => {
    const rig = speakerRig('node-b', { membership: 'api', hasBeacon: false });
    serve(rig, 'web', '10.0.0.10');
    rig.speaker.synced();
    expect([rig.speaker.isReady(), rig.orders.size, rig.logged]).toEqual([true, 0, ['ownPodNotFound']]);
    rig.pod('node-a', false);
    expect(rig.logged).toEqual(['ownPodNotFound']);
    rig.pod('node-b', true);
    expect([rig.orders.size, rig.logged]).toEqual([1, ['ownPodNotFound', 'ownPodFound']]);
  });
});

describe('a running speaker', () => {
  test('orders a group when the service comes before its endpoints, and when it comes after them', () => {
    const rig = runningRig('node-a');
    rig.service('web', ['10.0.0.10']);
    expect(rig.orders.size).toBe(0);
    rig.slice('web', ['node-c']);
    rig.slice('dns', ['node-c']);
    rig.service('dns', ['10.0.0.11']);
    expect([...rig.orders.keys()]).toEqual(['10.0.0.10', '10.0.0.11']);
  });

  test('reads no service for an update that changes nothing, or nothing that counts', () => {
    const rig = runningRig('node-a');
    serve(rig, 'web', '10.0.0.10');
    rig.done();
    rig.read();
    rig.service('web', ['10.0.0.10']);
    rig.slice('web', ['node-c']);
    rig.node('node-b');
    rig.node('node-b', { labels: { zone: 'b' } });
    rig.members(...three);
    rig.peer('node-b', true, 'eth0');
    rig.speaker.onInterfaces(['eth0', 'eth1']);
    expect([rig.read(), rig.done()]).toEqual([[], []]);
  });

  test('takes members, excluded nodes and deleted ones in and out', () => {
    const rig = runningRig('node-a');
    serve(rig, 'web', '10.0.0.10');
    const candidates = () => new Set(rig.orders.get('10.0.0.10')?.candidates);
    expect(candidates()).toEqual(new Set(three));
    rig.members('node-b');
    expect(candidates()).toEqual(new Set(['node-a', 'node-b']));
    rig.node('node-d');
    rig.members('node-b', 'node-d');
    expect(candidates()).toEqual(new Set(['node-a', 'node-b', 'node-d']));
    rig.node('node-b', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } });
    expect(candidates()).toEqual(new Set(['node-a', 'node-d']));
    rig.noNode('node-d');
    expect(candidates()).toEqual(new Set(['node-a']));
    rig.node('node-a', { networkUnavailable: true });
    expect(rig.orders.size).toBe(0);
  });

  test('follows the configuration', () => {
    const rig = runningRig('node-a');
    serve(rig, 'web', '10.0.0.10');
    rig.configure(configurationOf([]));
    expect(rig.orders.size).toBe(0);
  });
});
