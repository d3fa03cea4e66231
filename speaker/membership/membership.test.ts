import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../src/io/real-clock.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { lanConfig } from '../../src/proto/memberlist/config.ts';
import { eventually } from '../../test/support/cluster/eventually.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { createMembership } from './membership.ts';
import type { Membership, MembershipOptions } from './types.ts';

const open: Membership[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((membership) => membership.close()));
});

const start = async (
  name: string,
  address: string,
  port: number,
  more: Partial<MembershipOptions> = {},
): Promise<Membership> => {
  const membership = await createMembership({
    name,
    bindAddress: address as Ip,
    port,
    secret: Buffer.from('a secret'),
    config: lanConfig,
    clock: realClock,
    log: silentLog,
    ...more,
  });
  open.push(membership);
  return membership;
};

const names = (membership: Membership): readonly string[] => membership.members().map(({ name }) => name);

test('members find each other by their addresses, say so, and see a leave', async () => {
  const a = await start('a', '127.0.81.1', 0);
  const b = await start('b', '127.0.81.2', a.port);
  const changes: (readonly string[])[] = [];
  const stop = a.onChange(() => changes.push(names(a)));
  expect([names(a), a.isComplete(), a.members()]).toEqual([['a'], false, a.members()]);
  b.setPeers(['127.0.81.1', '127.0.81.2'] as Ip[]);
  await eventually('both know both', () => names(a).length === 2 && names(b).length === 2 && b.isComplete());
  expect(b.members()).toEqual([
    { name: 'a', address: '127.0.81.1', state: 'alive', isOurs: true },
    { name: 'b', address: '127.0.81.2', state: 'alive', isOurs: true },
  ]);
  await b.leave();
  await eventually('a is alone', () => names(a).length === 1);
  expect(changes).toEqual([['a', 'b'], ['a']]);
  stop();
});

test('joining says how many answered', async () => {
  const a = await start('a', '127.0.81.1', 0);
  const b = await start('b', '127.0.81.2', a.port);
  expect(await b.join(['127.0.81.1', '127.0.81.9'] as Ip[])).toBe(1); // nobody listens at the other
});

test('a new secret is accepted beside the old one at once', async () => {
  const a = await start('a', '127.0.81.1', 0);
  const b = await start('b', '127.0.81.2', a.port, { secret: Buffer.from('a new secret') });
  expect(await b.join(['127.0.81.1' as Ip])).toBe(0);
  a.setSecret(Buffer.from('a new secret'));
  b.setSecret(Buffer.from('a secret'));
  expect(await b.join(['127.0.81.1' as Ip])).toBe(1);
  await eventually('both know both', () => names(a).length === 2 && names(b).length === 2);
});

test('noise does no harm, and is told once a minute', async () => {
  const lines: [string, LogFields | undefined][] = [];
  const log: Log = { ...silentLog, warn: (message, fields) => void lines.push([message, fields]), child: () => log };
  const a = await start('a', '127.0.81.1', 0, { log });
  const b = await start('b', '127.0.81.2', a.port);
  const noise = createSocket('udp4').bind(0, '127.0.81.3');
  await once(noise, 'listening');
  for (let i = 0; i < 200; i++) {
    noise.send(
      Uint8Array.from({ length: i }, () => (i * 7) & 255),
      a.port,
      '127.0.81.1',
    );
  }
  const stream = connect(a.port, '127.0.81.1');
  stream.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  const [answer] = (await once(stream, 'data')) as [Buffer];
  expect(answer[0]).toBe(10); // the reason, encrypted
  await once(stream, 'close');
  noise.close();
  expect(await b.join(['127.0.81.1' as Ip])).toBe(1);
  expect(lines.map(([message, fields]) => [message, fields?.['from']])).toEqual([
    ['a packet was not understood', '127.0.81.3'],
    ['a stream was not understood', '127.0.0.1'],
  ]);
});

test('a port that is taken, and an address that tells others nothing, are refused', async () => {
  const a = await start('a', '127.0.81.1', 0);
  await expect(start('b', '127.0.81.1', a.port)).rejects.toThrow(`cannot bind memberlist to 127.0.81.1 port ${a.port}`);
  await expect(start('b', '0.0.0.0', a.port)).rejects.toThrow('not 0.0.0.0');
});

test('after the end its port is free, and nothing happens any more', async () => {
  const a = await start('a', '127.0.81.1', 0);
  const { port } = a;
  await a.close();
  await a.close();
  expect(await a.join(['127.0.81.2' as Ip])).toBe(0);
  const again = await start('a', '127.0.81.1', port);
  expect(again.port).toBe(port);
});
