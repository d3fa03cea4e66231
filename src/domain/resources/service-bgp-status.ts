import * as z from 'zod/mini';
import { field } from './field.ts';
import { announcement, emptySpec } from './service-status.ts';

/** A `ServiceBGPStatus`, apart from its metadata. */
export const serviceBgpStatus = field(
  z.object({
    spec: emptySpec,
    status: field(
      z.optional(
        z.object({
          ...announcement,
          peers: field(
            z.optional(z.array(z.string())),
            'The names of the BGPPeers that the service is announced to, in order.',
          ),
        }),
      ),
      'What the speaker of the node announces. It writes this itself.',
    ),
  }),
  'Says which BGP peers a node announces a service to. The speakers make these objects; nobody else needs to.',
);
