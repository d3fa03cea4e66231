import { createInterface } from 'node:readline';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { createMembership } from '../../../speaker/membership/membership.ts';
import type { MembershipMember } from '../../../speaker/membership/types.ts';
import { realClock } from '../../../src/io/real-clock.ts';
import type { Ip } from '../../../src/lib/ip.ts';
import { lanConfig } from '../../../src/proto/memberlist/config.ts';
import { silentLog } from '../../support/silent-log.ts';

/** A member of ours, with the arguments, the commands and the output of `main.go` beside it. */

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: '' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7946' },
    secret: { type: 'string', default: '' },
  },
});

const print = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const membership = await createMembership({
  name: values.name,
  bindAddress: values.address as Ip,
  port: Number(values.port),
  secret: values.secret === '' ? undefined : Buffer.from(values.secret),
  config: lanConfig,
  clock: realClock,
  log: silentLog,
});

let before = new Map<string, MembershipMember>();
const tell = (): void => {
  const now = new Map(membership.members().map((member) => [member.name, member]));
  const event = (what: string, { name, address, state, isOurs }: MembershipMember): void =>
    print({ event: what, name, address: `${address}:${membership.port}`, state, isOurs });
  for (const member of before.values()) if (!now.has(member.name)) event('leave', member);
  for (const member of now.values()) {
    const known = before.get(member.name);
    if (known === undefined) event('join', member);
    else if (known.state !== member.state || known.address !== member.address) event('update', member);
  }
  before = now;
};
membership.onChange(tell);
membership.onConflict(({ name, addresses }) => print({ event: 'conflict', name, addresses }));
tell();
print({ event: 'ready' });

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument = ''] = line.split(' ');
  if (command === 'join') {
    const [address = ''] = argument.split(':');
    print({ event: 'joined', count: await membership.join([address as Ip]) });
  } else if (command === 'members') {
    print({ event: 'members', members: membership.members().map(({ name }) => name) });
  } else if (command === 'leave') {
    await membership.leave();
    print({ event: 'left' });
  }
}
await membership.close();
