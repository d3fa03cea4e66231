import * as z from 'zod/mini';
import { conditionList } from './condition.ts';
import { field } from './field.ts';

/** A `ConfigurationState`, apart from its metadata. */
export const configurationState = field(
  z.object({
    status: field(
      z.optional(
        z.object({
          result: field(
            z.optional(z.string()),
            'Valid if the process uses the configuration as it stands, Invalid if it leaves something out, Unknown ' +
              'before it has read it.',
            { enum: ['Valid', 'Invalid', 'Unknown'] },
          ),
          errorSummary: field(
            z.optional(z.string()),
            'What is wrong with the configuration, with the names of objects and fields. Empty if all is well.',
          ),
          conditions: conditionList('What each part of the process says about the configuration.'),
        }),
      ),
      'What the process found. It writes this itself.',
    ),
  }),
  'What one process of MetalLB (the controller, or the speaker of a node) says about the configuration. The processes ' +
    'make these objects; nobody else needs to.',
);
