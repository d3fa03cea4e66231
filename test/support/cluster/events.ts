import type { Sandbox } from '../sandbox/sandbox.ts';
import { getObject } from './metallb.ts';

/** An event, as far as tests look at it. */
export type EventLine = {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly component: string;
};

type EventList = {
  readonly items: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
    readonly count?: number;
    readonly source?: { readonly component?: string };
    readonly reportingComponent?: string;
  }[];
};

/** The events of an object, from whichever program; oldest first as the API server keeps them. */
export const eventsOf = async (
  sandbox: Sandbox,
  kind: string,
  name: string,
  namespace = 'default',
): Promise<EventLine[]> => {
  const list = await getObject<EventList>(
    sandbox,
    '-n',
    namespace,
    'events',
    `--field-selector=involvedObject.kind=${kind},involvedObject.name=${name}`,
  );
  return (list?.items ?? []).map(({ type, reason, message, count = 1, source, reportingComponent = '' }) => ({
    type,
    reason,
    message,
    count,
    component: source?.component ?? reportingComponent,
  }));
};
