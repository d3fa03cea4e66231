import * as z from 'zod/mini';
import { field } from './field.ts';

/** A whole number within bounds that may be left out. */
const number = (minimum: number, maximum: number, description: string) =>
  field(z.optional(z.int().check(z.minimum(minimum), z.maximum(maximum))), description, {
    type: 'integer',
    format: 'int32',
  });

/** `BFDProfile.spec`. */
export const bfdProfileSpec = field(
  z.object({
    receiveInterval: number(10, 60_000, 'The shortest interval at which we can receive packets, in milliseconds; 300.'),
    transmitInterval: number(10, 60_000, 'The shortest interval at which we send packets, in milliseconds; 300.'),
    detectMultiplier: number(2, 255, 'After how many missing packets the peer counts as lost; 3.'),
    echoInterval: number(10, 60_000, 'The shortest interval of echo packets, in milliseconds; 50.'),
    echoMode: field(
      z.optional(z.boolean()),
      'Whether to send echo packets, which the peer returns without looking at them. Not for peers more than one hop ' +
        'away, and not for IPv6.',
    ),
    passiveMode: field(z.optional(z.boolean()), 'Whether to wait for the first packet of the peer before sending any.'),
    minimumTtl: number(1, 254, 'The lowest TTL a packet may arrive with, for peers more than one hop away; 254.'),
  }),
  'How quickly a lost peer is found.',
);

/** A `BFDProfile`, apart from its metadata. */
export const bfdProfile = field(
  z.object({
    spec: z.optional(bfdProfileSpec),
    status: field(z.optional(z.object({})), 'Empty.'),
  }),
  'Settings of BFD sessions (RFC 5880), which find a lost BGP peer in a fraction of a second. BGPPeers use it by its ' +
    'name. It counts in the namespace MetalLB runs in.',
);
