import * as z from 'zod/mini';
import { field } from './field.ts';

/** `Community.spec`. */
export const communitySpec = field(
  z.object({
    communities: field(
      z.optional(
        z.array(
          field(
            z.object({
              name: field(z.optional(z.string()), 'The name that a BGPAdvertisement gives in its communities.'),
              value: field(
                z.optional(z.string()),
                'The community it stands for: 64512:100 (two numbers up to 65535) or large:64512:1:2 (three numbers up ' +
                  'to 4294967295).',
              ),
            }),
            'A name for a community.',
          ),
        ),
      ),
      'The names, each of which may be given once in all Communities.',
    ),
  }),
  'Names for BGP communities.',
);

/** A `Community`, apart from its metadata. */
export const community = field(
  z.object({
    spec: z.optional(communitySpec),
    status: field(z.optional(z.object({})), 'Empty.'),
  }),
  'Gives names to BGP communities, so that BGPAdvertisements need not repeat the numbers. It counts in the namespace ' +
    'MetalLB runs in.',
);
