import * as z from 'zod/mini';
import { field } from './field.ts';

/** Text that stays as it was first written. */
const immutable = (description: string) =>
  field(z.optional(z.string()), description, {
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'Value is immutable' }],
  });

/** What a speaker says which service it speaks of. */
export const announcement = {
  node: immutable('The node that announces the service.'),
  serviceName: immutable('The name of the service.'),
  serviceNamespace: immutable('The namespace of the service.'),
};

/** The spec of an object that only has a status. */
export const emptySpec = field(z.optional(z.object({})), 'Empty.');
