import * as z from 'zod/mini';
import { conditionList } from './condition.ts';
import { field } from './field.ts';
import { announcement, emptySpec } from './service-status.ts';

/** A `ServiceL2Status`, apart from its metadata. */
export const serviceL2Status = field(
  z.object({
    spec: emptySpec,
    status: field(
      z.optional(
        z.object({
          ...announcement,
          interfaces: field(
            z.optional(
              z.array(
                field(
                  z.object({ name: field(z.optional(z.string()), 'The name of the interface, such as eth0.') }),
                  'A network interface of the node.',
                ),
              ),
            ),
            'The network interfaces the service is announced on. Without any, all interfaces of the node.',
          ),
          conditions: conditionList('How the announcement is doing, and why it is not doing better.'),
        }),
      ),
      'What the speaker of the node announces. It writes this itself.',
    ),
  }),
  'Says which node announces a service on the local network. The speakers make these objects; nobody else needs to.',
);
