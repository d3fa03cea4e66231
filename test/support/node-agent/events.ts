import { randomBytes } from 'node:crypto';
import type { ApiClient } from './api-client.ts';
import type { Log } from './log.ts';

/** The object an event is about. */
export type ObjectReference = {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
};

/** Records an event as the kubelet does. */
export type RecordEvent = (about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string) => void;

type Recorded = { readonly path: string; count: number };

/** How many different events are remembered to count repetitions. */
const rememberedEvents = 1000;

/** Writes events one after the other; a repeated one raises the count of the first. A lost event is logged, no more. */
export const makeEventRecorder = (client: ApiClient, nodeName: string, log: Log): RecordEvent => {
  const recorded = new Map<string, Recorded>();
  let work: Promise<void> = Promise.resolve();

  const write = async (about: ObjectReference, type: string, reason: string, message: string): Promise<void> => {
    const key = JSON.stringify([about.uid, about.fieldPath, type, reason, message]);
    const now = new Date().toISOString().replace(/\.\d+/, '');
    const before = recorded.get(key);
    if (before !== undefined) {
      before.count += 1;
      await client.call('PATCH', before.path, { count: before.count, lastTimestamp: now });
      return;
    }
    const namespace = about.namespace ?? 'default';
    const name = `${about.name}.${randomBytes(8).toString('hex')}`;
    const collection = `/api/v1/namespaces/${namespace}/events`;
    await client.call('POST', collection, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { apiVersion: 'v1', ...about },
      type,
      reason,
      message: message.slice(0, 1024),
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: 'kubelet', host: nodeName },
      reportingComponent: 'kubelet',
      reportingInstance: nodeName,
    });
    recorded.set(key, { path: `${collection}/${name}`, count: 1 });
    const [oldest] = recorded.keys();
    if (recorded.size > rememberedEvents && oldest !== undefined) recorded.delete(oldest);
  };

  return (about, type, reason, message) => {
    work = work
      .then(() => write(about, type, reason, message))
      .catch((error: unknown) => log('event not written', { reason, text: message, error }));
  };
};
