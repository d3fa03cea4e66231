import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, createNamespace, makeSwitch, type Namespace, plugIn } from '../support/netns.ts';
import { ask, askPadded, makeNoise, neighbour, resolve, wronglyAnswered } from './client.ts';
import { groupOf, responderCommand, startResponderProcess } from './responder-process.ts';

const isRoot = process.getuid?.() === 0;
/** A generous limit for what takes milliseconds on a machine that is not busy. */
const soon = { timeout: 10_000, interval: 50 };

describe.runIf(isRoot)('two nodes and a client on a switch', () => {
  let lan: Namespace;
  let n1: Namespace;
  let n2: Namespace;
  let client: Namespace;
  let mac1: string;
  let mac2: string;

  beforeAll(async () => {
    [lan, n1, n2, client] = (await Promise.all(
      ['lan', 'n1', 'n2', 'client'].map((label) => createNamespace(label)),
    )) as [Namespace, Namespace, Namespace, Namespace];
    await makeSwitch(lan);
    for (const [index, host] of [n1, n2, client].entries()) {
      await plugIn(lan, `port${index}`, host, 'eth0');
      await host.addAddress('eth0', `198.18.0.${index + 1}/16`);
    }
    [mac1, mac2] = await Promise.all([n1.macOf('eth0'), n2.macOf('eth0')]);
  });

  afterAll(async () => {
    for (const host of [lan, n1, n2, client]) await host[Symbol.asyncDispose]();
  });

  test('an address is answered once, with the MAC of its node, by the witness of arping', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).toEqual({ '198.18.1.7': [mac1] });
    const { stdout } = await client.exec(['arping', '-c', '3', '-W', '0.05', '-I', 'eth0', '198.18.1.7']);
    expect(stdout).toContain('3 packets transmitted, 3 packets received,   0% unanswered (0 extra)');
    expect(stdout).toContain(mac1);
  });

  test('a socket without a ring receives as well', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7'], { queue: 'socket' }), soon).toEqual({ '198.18.1.7': [mac1] });
  });

  test('a probe without a sender address is answered, as for duplicate address detection', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    const probe = (): Promise<string> =>
      client
        .exec(['arping', '-c', '1', '-w', '1', '-0', '-I', 'eth0', '198.18.1.7'], { check: false })
        .then((o) => o.stdout);
    await expect.poll(probe, soon).toContain(mac1);
  });

  test('addresses that are not ours stay silent', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect
      .poll(() => ask(client, ['198.18.1.7', '198.18.1.8', '198.18.1.39', '198.18.9.7']), soon)
      .toEqual({
        '198.18.1.7': [mac1],
      });
  });

  test('an address that is withdrawn falls silent at once, others go on', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7', '198.18.1.8']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    responder.withdraw(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7', '198.18.1.8']), soon).toEqual({ '198.18.1.8': [mac1] });
    expect(await ask(client, ['198.18.1.7', '198.18.1.8'])).toEqual({ '198.18.1.8': [mac1] });
  });

  test('whoever takes an address over is learnt by the neighbour table of a client that knew the old node', async () => {
    await using first = await startResponderProcess(n1);
    await using second = await startResponderProcess(n2);
    first.announce(['198.18.1.7']);
    await expect.poll(() => resolve(client, '198.18.1.7').then(() => neighbour(client, '198.18.1.7')), soon).toBe(mac1);
    first.withdraw(['198.18.1.7']);
    second.announce(['198.18.1.7']);
    // No datagram goes out meanwhile: the announcement alone tells.
    await expect.poll(() => neighbour(client, '198.18.1.7'), soon).toBe(mac2);
    expect(await ask(client, ['198.18.1.7'])).toEqual({ '198.18.1.7': [mac2] });
  });

  // A machine that lets nobody run for 200 ms makes two announcements one, hence another chance.
  test('an announcement is a request and a reply, sent six times within about five seconds', { retry: 2 }, async () => {
    await using responder = await startResponderProcess(n1);
    const filter = 'arp and host 198.18.1.7';
    const capture = client.spawn([
      'timeout',
      '20',
      'tcpdump',
      '-c',
      '12',
      '-l',
      '-n',
      '-e',
      '-tt',
      '-i',
      'eth0',
      filter,
    ]);
    await once(capture.stderr!, 'data'); // it says that it listens
    const ended = once(capture, 'close');
    responder.announce(['198.18.1.7']);
    const output = await text(capture.stdout!);
    await ended;
    const lines = output.split('\n').filter((line) => line !== '');
    expect(lines.map((line) => (line.includes('Request who-has 198.18.1.7') ? 'request' : 'reply'))).toEqual(
      Array.from({ length: 6 }, () => ['request', 'reply']).flat(),
    );
    for (const line of lines) expect(line).toContain(`${mac1} > ff:ff:ff:ff:ff:ff`);
    const times = lines.filter((_, index) => index % 2 === 0).map((line) => Number(line.split(' ')[0]));
    for (const [index, offset] of [0, 0.05, 0.25, 1, 2, 5].entries()) {
      const late = times[index]! - times[0]! - offset;
      expect(late, `announcement ${index}`).toBeGreaterThan(-0.005);
      expect(late, `announcement ${index}`).toBeLessThan(0.5);
    }
    expect(responder.counters('198.18.1.7').gratuitous).toBeGreaterThan(0);
  });

  test('what is asked and answered is counted', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    const before = responder.counters('198.18.1.7').requests;
    await ask(
      client,
      Array.from({ length: 50 }, () => '198.18.1.7'),
    );
    await expect.poll(() => responder.counters('198.18.1.7').requests - before, soon).toBeGreaterThanOrEqual(50);
    const { requests, responses } = responder.counters('198.18.1.7');
    expect(responses).toBe(requests);
  });

  test('100,000 random and broken frames leave the answer and the memory as they were', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await makeNoise(client, 20_000, '198.18.1.7'); // until compilers and heaps have settled
    const before = responder.residentMemory();
    await makeNoise(client, 100_000, '198.18.1.7');
    expect(await ask(client, ['198.18.1.7'])).toEqual({ '198.18.1.7': [mac1] });
    expect(responder.residentMemory() - before).toBeLessThan(8);
  });

  test('requests of any length are answered, also more of them than a ring has slots', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    const lengths = [60, 61, 62, 64, 100, 1514];
    const answers = await askPadded(client, '198.18.1.7', lengths, 4200);
    expect(await ask(client, ['198.18.1.7'])).toEqual({ '198.18.1.7': [mac1] });
    expect(answers).toBe(lengths.length * 4200);
  });

  test('6,000 addresses are all answered, and no other', async () => {
    await using responder = await startResponderProcess(n1);
    const addresses = Array.from({ length: 6000 }, (_, index) => `198.18.${100 + (index >> 7)}.${2 * (index & 127)}`);
    const neighbours = addresses.slice(0, 500).map((ip) => ip.replace(/\d+$/, (octet) => `${Number(octet) + 1}`));
    responder.announce(addresses);
    const patient = { timeout: 60_000, interval: 100 };
    await expect.poll(() => wronglyAnswered(client, addresses, mac1), patient).toEqual([]);
    expect(await ask(client, neighbours)).toEqual({});
    responder.withdraw(addresses.slice(1));
    await expect.poll(() => ask(client, addresses), soon).toEqual({ [addresses[0]!]: [mac1] });
  });

  test.each([20_480, 256])('with optmem_max %i, 6,000 scattered addresses are all answered', async (optmem) => {
    await using node = await createNamespace('small');
    await node.sysctl({ 'net.core.optmem_max': optmem });
    await plugIn(lan, 'small', node, 'eth0');
    await using responder = await startResponderProcess(node);
    const mac = await node.macOf('eth0');
    // 7919 is prime to 65,536, so all are different and far apart.
    const addresses = Array.from({ length: 6000 }, (_, index) => {
      const scattered = (index * 7919) % 65_536;
      return `198.19.${scattered >> 8}.${scattered & 255}`;
    });
    responder.announce(addresses.slice(0, 3000));
    await expect.poll(() => ask(client, addresses.slice(0, 10)), soon).not.toEqual({});
    responder.announce(addresses.slice(3000)); // the filter is replaced while it is in use
    const patient = { timeout: 60_000, interval: 100 };
    await expect.poll(() => wronglyAnswered(client, addresses, mac), patient).toEqual([]);
  });

  test('while the main thread is busy, answers come as ever', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    const reported = responder.reports.length;
    responder.block(60_000);
    await ask(client, ['198.18.1.7']); // by now the main thread has taken the order
    const { stdout } = await client.exec(['arping', '-c', '20', '-W', '0.05', '-I', 'eth0', '198.18.1.7']);
    expect(stdout).toContain('20 packets transmitted, 20 packets received,   0% unanswered (0 extra)');
    expect(responder.reports.length - reported).toBeLessThanOrEqual(1); // a main thread that could would have told more
  });

  test('the process ends at once when the main thread exits without a word to the responder', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    expect(await responder.exit()).toBe(3);
    expect(await ask(client, ['198.18.1.7'])).toEqual({});
  });

  test('without the right to open packet sockets the process ends and says so', async () => {
    const argv = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', ...responderCommand()];
    const { code, stderr } = await n1.exec(argv, { check: false });
    expect(code).toBe(1);
    expect(stderr).toContain('the responder thread failed');
    expect(stderr).toContain('socket: EPERM');
  });

  test('an address that another host has is not announced but told, with its MAC', async () => {
    await client.addAddress('eth0', '198.18.1.9/32');
    await using responder = await startResponderProcess(n1, { isProbing: true });
    responder.announce(['198.18.1.8', '198.18.1.9']);
    const mac = await client.macOf('eth0');
    await expect
      .poll(() => responder.ownership().find((report) => report.type === 'conflict'), soon)
      .toMatchObject({ ip: '198.18.1.9', mac: Number.parseInt(mac.replaceAll(':', ''), 16), isDefended: false });
    await expect.poll(() => ask(n2, ['198.18.1.8']), soon).toEqual({ '198.18.1.8': [mac1] });
    expect(await ask(n2, ['198.18.1.9'])).toEqual({ '198.18.1.9': [mac] });
    await client.ip('addr del 198.18.1.9/32 dev eth0');
  });

  test('an address that turns up elsewhere later is defended and told', async () => {
    await using responder = await startResponderProcess(n1, { isProbing: true });
    responder.announce(['198.18.1.9']);
    await expect.poll(() => ask(client, ['198.18.1.9']), soon).toEqual({ '198.18.1.9': [mac1] });
    await n2.addAddress('eth0', '198.18.1.9/32');
    await n2.ip('route add 198.18.0.77/32 dev eth0 src 198.18.1.9');
    await resolve(n2, '198.18.0.77'); // asks for it in the name of the address
    await expect
      .poll(() => responder.ownership().find((report) => report.type === 'conflict'), soon)
      .toMatchObject({ ip: '198.18.1.9', mac: Number.parseInt(mac2.replaceAll(':', ''), 16), isDefended: true });
    await n2.ip('addr del 198.18.1.9/32 dev eth0');
    expect(await ask(client, ['198.18.1.9'])).toEqual({ '198.18.1.9': [mac1] });
  });

  test('an announced address that an interface of the node has is told, as long as the kernel answers for it', async () => {
    await using responder = await startResponderProcess(n1);
    await n1.addAddress('lo', '198.18.1.10/32');
    responder.order({ type: 'groups', changed: [groupOf(['198.18.1.10'], ['another'])], removed: [] });
    const bindings = (): unknown[] => responder.reports.filter(({ type }) => type === 'boundLocally');
    const bound = { type: 'boundLocally', ip: '198.18.1.10', interface: 'lo', isBound: true };
    await expect.poll(bindings, soon).toEqual([bound]);
    expect(await ask(client, ['198.18.1.10'])).toEqual({ '198.18.1.10': [mac1] }); // the kernel of a node that owns nothing
    await n1.sysctl({ 'net.ipv4.conf.all.arp_ignore': 1 });
    await expect.poll(bindings, soon).toEqual([bound, { ...bound, isBound: false }]);
    expect(await ask(client, ['198.18.1.10'])).toEqual({});
    await n1.sysctl({ 'net.ipv4.conf.all.arp_ignore': 0 });
    await n1.ip('addr del 198.18.1.10/32 dev lo');
  });

  test('the end of the thread closes its sockets, and the process goes on to its own end', async () => {
    await using responder = await startResponderProcess(n1);
    responder.announce(['198.18.1.7']);
    await expect.poll(() => ask(client, ['198.18.1.7']), soon).not.toEqual({});
    expect(await responder.stop()).toBe(0);
    expect(await ask(client, ['198.18.1.7'])).toEqual({});
  });
});

describe.runIf(isRoot)('interfaces', () => {
  test('an address is answered only where it is announced', async () => {
    await using node = await createNamespace('node');
    await using a = await createNamespace('a');
    await using b = await createNamespace('b');
    await connect(node, 'eth0', a, 'eth0');
    await connect(node, 'eth1', b, 'eth0');
    await using responder = await startResponderProcess(node);
    expect(responder.interfaces()?.toSorted()).toEqual(['eth0', 'eth1']);
    responder.announce(['198.18.1.7'], ['eth0']);
    responder.announce(['198.18.1.8']);
    responder.announce(['198.18.1.9'], ['eth7']);
    const all = ['198.18.1.7', '198.18.1.8', '198.18.1.9'];
    const [mac0, mac1] = await Promise.all([node.macOf('eth0'), node.macOf('eth1')]);
    await expect.poll(() => ask(a, all), soon).toEqual({ '198.18.1.7': [mac0], '198.18.1.8': [mac0] });
    await expect.poll(() => ask(b, all), soon).toEqual({ '198.18.1.8': [mac1] });
    responder.announce(['198.18.1.7'], ['eth1']); // moved by an edit
    await expect.poll(() => ask(b, all), soon).toEqual({ '198.18.1.7': [mac1], '198.18.1.8': [mac1] });
    expect(await ask(a, all)).toEqual({ '198.18.1.8': [mac0] });
  });

  test('an interface that goes and comes back, with another MAC, is served again and told to clients', async () => {
    await using node = await createNamespace('node');
    await using client = await createNamespace('client');
    await connect(node, 'eth0', client, 'eth0');
    await client.addAddress('eth0', '198.18.0.1/16');
    await using responder = await startResponderProcess(node);
    responder.announce(['198.18.1.7']);
    const answeredBy = async (mac: string): Promise<void> => {
      await expect.poll(() => ask(client, ['198.18.1.7']), soon).toEqual({ '198.18.1.7': [mac] });
    };
    await answeredBy(await node.macOf('eth0'));

    await node.ip('link del eth0');
    await expect.poll(() => responder.interfaces(), soon).toEqual([]);
    await connect(node, 'eth0', client, 'eth0');
    await client.addAddress('eth0', '198.18.0.1/16');
    await answeredBy(await node.macOf('eth0'));

    await resolve(client, '198.18.1.7');
    await node.ip('link set dev eth0 address 02:00:5e:10:00:01');
    await expect.poll(() => neighbour(client, '198.18.1.7'), soon).toBe('02:00:5e:10:00:01');
    await answeredBy('02:00:5e:10:00:01');

    await node.setLink('eth0', 'down');
    await expect.poll(() => responder.interfaces(), soon).toEqual([]);
    await node.setLink('eth0', 'up');
    await answeredBy('02:00:5e:10:00:01');
  });

  test('where more links change than the kernel can tell, those that are there are served', async () => {
    await using node = await createNamespace('node');
    await using far = await createNamespace('far');
    for (const name of ['eth0', 'eth1', 'eth2']) await connect(node, name, far, name);
    await using responder = await startResponderProcess(node);
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['eth0', 'eth1', 'eth2']);
    responder.child.kill('SIGSTOP');
    const changes = Array.from({ length: 400 }, (_, index) => [
      `link set dev eth0 mtu ${1400 + (index & 1)}`,
      `link set dev eth2 mtu ${1400 + (index & 1)}`,
    ]);
    await node.ip(...changes.flat(), 'link del eth1', 'link set dev eth2 name lan2');
    responder.child.kill('SIGCONT');
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['eth0', 'lan2']);
    await connect(node, 'eth3', far, 'eth3');
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['eth0', 'eth3', 'lan2']);
  });

  test('excluded, enslaved and ARP-less interfaces are left alone; a new one is served as it appears', async () => {
    await using node = await createNamespace('node');
    await using far = await createNamespace('far');
    for (const name of ['excluded0', 'noarp0', 'slave0']) await connect(node, name, far, name);
    await node.ip(
      'link set dev noarp0 arp off',
      'link add name br0 type bridge',
      'link set dev br0 up',
      'link set dev slave0 master br0',
    );
    await using responder = await startResponderProcess(node, { excluded: ['^excl'] });
    expect(responder.interfaces()).toEqual(['br0']);
    await node.ip('link set dev slave0 nomaster');
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['br0', 'slave0']);
    await connect(node, 'eth5', far, 'eth5');
    await node.ip('link set dev noarp0 arp on');
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['br0', 'eth5', 'noarp0', 'slave0']);
    await node.ip('link set dev eth5 down', 'link set dev eth5 name excluded5', 'link set dev excluded5 up');
    await expect.poll(() => responder.interfaces()?.toSorted(), soon).toEqual(['br0', 'noarp0', 'slave0']);
  });
});
