import { describe, expect, test } from 'vitest';
import type { Configuration, L2Advertisement, Pool } from '../src/domain/config/configuration.ts';
import type { EndpointSliceView, ServiceView } from '../src/domain/objects.ts';
import { configurationOf, poolOf, serviceView } from '../test/support/builders.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { createServiceDecider } from './service-decider.ts';

const pool = (name: string, range: string, ...l2Advertisements: readonly L2Advertisement[]): Pool =>
  poolOf(name, range, { l2Advertisements });
const everywhere: L2Advertisement = { name: 'everywhere', interfaces: undefined };
const on = (...interfaces: readonly string[]): L2Advertisement => ({ name: 'on', interfaces });
const main: Configuration = configurationOf([pool('main', '10.0.0.0/24', everywhere)]);

/** Everything a speaker on `self` does, in order, as short lines. */
const rig = (self: string) => {
  const services = new Map<string, ServiceView>();
  const slices = new Map<string, readonly EndpointSliceView[]>();
  const decided: string[] = [];
  let done: string[] = [];
  const decider = createServiceDecider({
    self,
    loadBalancerClass: '',
    services: {
      get: (key) => {
        decided.push(key);
        return services.get(key);
      },
      values: () => services.values(),
    },
    slicesOf: (key) => slices.get(key) ?? [],
    responder: {
      announce: (ip, interfaces) => done.push(`announce ${ip} on ${interfaces?.join(',') ?? 'all'}`),
      withdraw: (ip) => done.push(`withdraw ${ip}`),
    },
    recorder: { record: ({ name }, { type, reason, message }) => done.push(`${type} ${name} ${reason}: ${message}`) },
    announced: {
      set: (service, ip) => done.push(`metric ${service} ${ip}`),
      remove: (service, ip) => done.push(`no metric ${service} ${ip}`),
    },
    log: {
      ...silentLog,
      info: (_, { reason } = {}) => {
        if (typeof reason === 'string') done.push(`because ${reason}`);
      },
    },
  });
  const put = (name: string, ips: readonly string[], changes: Partial<ServiceView> = {}): void => {
    const key = `default/${name}`;
    services.set(key, serviceView({ name, ingress: ips.map((ip) => ({ ip })), ...changes }));
    slices.set(key, [{ key: `${key}-1`, serviceKey: key, endpoints: [{ nodeName: 'node-c', usable: true }] }]);
  };
  return {
    decider,
    services,
    slices,
    put,
    change: (...service: Parameters<typeof put>): void => {
      put(...service);
      decider.serviceChanged(`default/${service[0]}`);
    },
    start: (changes: Partial<Parameters<typeof decider.start>[0]> = {}): void =>
      decider.start({ configuration: main, candidates: all, interfaces: new Set(['eth0']), ...changes }),
    /** What was done since the last call. */
    done: (): readonly string[] => {
      const lines = done;
      done = [];
      return lines;
    },
    /** Which services were looked at since the last call. */
    decided: (): readonly string[] => decided.splice(0),
  };
};

// node-b owns 10.0.0.10 and 10.0.0.11; node-c is next for both.
const all = new Set(['node-a', 'node-b', 'node-c']);
const nodeAssigned = 'Normal web nodeAssigned: announcing from node "node-b" with protocol "layer2"';

test('nothing is decided before the start, and everything at it', () => {
  const { decider, put, change, start, done } = rig('node-b');
  put('web', ['10.0.0.10']);
  change('web', ['10.0.0.10']);
  decider.candidatesChanged(all);
  decider.configurationChanged(main);
  decider.interfacesChanged(new Set());
  expect(done()).toEqual([]);
  start();
  expect(done()).toEqual(['announce 10.0.0.10 on all', 'metric default/web 10.0.0.10', nodeAssigned]);
});

test('a speaker that owns nothing does nothing', () => {
  const { put, start, change, done } = rig('node-a');
  put('web', ['10.0.0.10']);
  start();
  change('dns', ['10.0.0.11']);
  expect(done()).toEqual([]);
});

test('deciding again without a change does nothing', () => {
  const { decider, change, start, done } = rig('node-b');
  start();
  change('web', ['10.0.0.10']);
  done();
  change('web', ['10.0.0.10']);
  decider.candidatesChanged(new Set(all));
  decider.configurationChanged(configurationOf([...main.pools]));
  decider.interfacesChanged(new Set(['eth1']));
  expect(done()).toEqual([]);
});

describe('an address falls silent', () => {
  const announcing = () => {
    const test_ = rig('node-b');
    test_.start();
    test_.change('web', ['10.0.0.10']);
    test_.done();
    return test_;
  };
  const silent = (reason: string): readonly string[] => [
    'withdraw 10.0.0.10',
    'no metric default/web 10.0.0.10',
    `because ${reason}`,
  ];

  test('when its service is deleted', () => {
    const { decider, services, done } = announcing();
    services.delete('default/web');
    decider.serviceChanged('default/web');
    expect(done()).toEqual(silent('serviceDeleted'));
  });

  test('when its service is no LoadBalancer any more', () => {
    const { change, done } = announcing();
    change('web', ['10.0.0.10'], { type: 'NodePort' });
    expect(done()).toEqual(silent('notLoadBalancer'));
  });

  test('when the status gives another address, before that is announced', () => {
    const { change, done } = announcing();
    change('web', ['10.0.0.11']);
    expect(done()).toEqual([
      ...silent('loadBalancerIPChanged'),
      'announce 10.0.0.11 on all',
      'metric default/web 10.0.0.11',
      nodeAssigned,
    ]);
  });

  test('when no endpoint can serve any more', () => {
    const { decider, slices, done } = announcing();
    slices.delete('default/web');
    decider.serviceChanged('default/web');
    expect(done()).toEqual(silent('notOwner'));
  });

  test('when this node is no candidate any more, and comes back with an event', () => {
    const { decider, done } = announcing();
    decider.candidatesChanged(new Set(['node-a', 'node-c']));
    expect(done()).toEqual(silent('notOwner'));
    decider.candidatesChanged(all);
    expect(done()).toEqual(['announce 10.0.0.10 on all', 'metric default/web 10.0.0.10', nodeAssigned]);
  });

  test('when the last advertisement of its pool goes', () => {
    const { decider, done } = announcing();
    decider.configurationChanged(configurationOf([pool('main', '10.0.0.0/24')]));
    expect(done()).toEqual(silent('noMatchingAdvertisement'));
  });

  test('when its pool goes and nothing says that it came from there', () => {
    const { decider, done } = announcing();
    decider.configurationChanged(configurationOf([]));
    expect(done()).toEqual(silent('ipNotAllowed'));
    decider.configurationChanged(configurationOf([pool('new', '10.0.0.8/29', everywhere)]));
    expect(done()).toEqual(['announce 10.0.0.10 on all', 'metric default/web 10.0.0.10', nodeAssigned]);
  });

  test('only with the last of the services that share it', () => {
    const { decider, services, change, done } = announcing();
    change('dns', ['10.0.0.10']);
    expect(done()).toEqual([
      'metric default/dns 10.0.0.10',
      'Normal dns nodeAssigned: announcing from node "node-b" with protocol "layer2"',
    ]);
    services.delete('default/web');
    decider.serviceChanged('default/web');
    expect(done()).toEqual(['no metric default/web 10.0.0.10', 'because serviceDeleted']);
  });
});

test('a second address is announced without a word about the first', () => {
  const { change, start, done } = rig('node-b');
  start();
  change('web', ['10.0.0.10']);
  done();
  change('web', ['10.0.0.10', '10.0.0.12']);
  expect(done()).toEqual(['announce 10.0.0.12 on all', 'metric default/web 10.0.0.12', nodeAssigned]);
});

describe('with named interfaces', () => {
  const restricted: Configuration = configurationOf([pool('main', '10.0.0.0/24', on('eth1'))]);
  const announceFailed =
    'Warning web announceFailed: the interfaces specified by LB IP "10.0.0.10" doesn\'t exist ' +
    'in assigned node "node-b" with protocol "layer2"';

  test('the owner says once that it has none of them, and announces when one appears', () => {
    const { decider, change, start, done } = rig('node-b');
    start({ configuration: restricted });
    change('web', ['10.0.0.10']);
    expect(done()).toEqual([announceFailed]);
    change('web', ['10.0.0.10']);
    decider.interfacesChanged(new Set(['eth0', 'eth2']));
    expect(done()).toEqual([]);
    decider.interfacesChanged(new Set(['eth0', 'eth1']));
    expect(done()).toEqual(['announce 10.0.0.10 on eth1', 'metric default/web 10.0.0.10', nodeAssigned]);
    decider.interfacesChanged(new Set(['eth0']));
    expect(done()).toEqual([
      'withdraw 10.0.0.10',
      'no metric default/web 10.0.0.10',
      'because noInterface',
      announceFailed,
    ]);
  });

  test('a node that does not own the address says nothing', () => {
    const { change, start, done } = rig('node-c');
    start({ configuration: restricted });
    change('web', ['10.0.0.10']);
    expect(done()).toEqual([]);
  });

  test('a changed list reaches the responder without an event', () => {
    const { decider, change, start, done } = rig('node-b');
    start();
    change('web', ['10.0.0.10']);
    done();
    decider.configurationChanged(configurationOf([pool('main', '10.0.0.0/24', on('eth0'))]));
    expect(done()).toEqual(['announce 10.0.0.10 on eth0']);
  });
});

describe('a change looks only at what it can touch', () => {
  const two: Configuration = configurationOf([
    pool('main', '10.0.0.0/24', everywhere),
    pool('other', '10.0.1.0/24', everywhere),
  ]);
  const running = () => {
    const test_ = rig('node-b');
    test_.put('web', ['10.0.0.10']);
    test_.put('dns', ['10.0.1.10']);
    test_.put('lost', ['10.0.2.10']);
    test_.put('inner', [], { type: 'ClusterIP' });
    test_.put('pending', []);
    test_.start({ configuration: two, candidates: new Set(['node-b']) });
    test_.decided();
    return test_;
  };

  test('a service event at that service', () => {
    const { decider, decided } = running();
    decider.serviceChanged('default/web');
    expect(decided()).toEqual(['default/web']);
  });

  test('a changed pool at its services and those in no pool', () => {
    const { decider, decided } = running();
    decider.configurationChanged(configurationOf([two.pools[0]!, pool('other', '10.0.1.0/25', everywhere)]));
    expect(decided()).toEqual(['default/dns', 'default/lost']);
  });

  test('a pool not at services that have left it', () => {
    const { decider, change, decided } = running();
    change('dns', ['10.0.0.11']);
    decided();
    decider.configurationChanged(configurationOf([two.pools[0]!]));
    expect(decided()).toEqual(['default/lost']);
  });

  test('a changed candidate set at services with addresses', () => {
    const { decider, decided } = running();
    decider.candidatesChanged(all);
    expect(decided()).toEqual(['default/web', 'default/dns', 'default/lost']);
  });

  test('an interface at those that name interfaces', () => {
    const { decider, decided } = running();
    decider.configurationChanged(configurationOf([two.pools[0]!, pool('other', '10.0.1.0/24', on('eth0'))]));
    decided();
    decider.interfacesChanged(new Set(['eth0', 'eth1']));
    expect(decided()).toEqual(['default/dns']);
  });
});
