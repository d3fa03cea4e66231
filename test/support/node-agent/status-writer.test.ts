import { expect, test } from 'vitest';
import { type Api, ApiError } from '../../../src/k8s/client/api.ts';
import { silentLog } from '../silent-log.ts';
import { podOf } from './fixtures.ts';
import { StatusWriter } from './status-writer.ts';
import type { Condition, Pod, PodStatus } from './types.ts';

type Body = { readonly status: PodStatus };

/** An API server that counts versions from 10 and remembers what was written. */
const rig = (answers: readonly ('ok' | ApiError)[] = []) => {
  const writes: PodStatus[] = [];
  let ready: Condition['status'] = 'False';
  const api: Pick<Api, 'request'> = {
    request: async ({ body }) => {
      const answer = answers[writes.length];
      writes.push((body as Body).status);
      if (answer instanceof ApiError) throw answer;
      return { metadata: { resourceVersion: `${9 + writes.length}` } };
    },
  };
  const writer = new StatusWriter(api, silentLog, podOf(), () => ({ conditions: [{ type: 'Ready', status: ready }] }));
  const observe = (resourceVersion: string, status: Condition['status']) => {
    const pod: Pod = podOf({}, { resourceVersion });
    writer.observed({ ...pod, status: { conditions: [{ type: 'Ready', status }] } });
  };
  const set = (status: Condition['status']) => {
    ready = status;
    writer.changed();
  };
  const written = () => writes.map(({ conditions }) => conditions?.[0]?.status);
  return { writer, observe, set, written };
};

test('changes that come together are one write, and a change that changes nothing is none', async () => {
  const { writer, set, written } = rig();
  set('False');
  set('True');
  await writer.settled();
  writer.changed();
  await writer.settled();
  expect(written()).toEqual(['True']);
});

test('a change during a write is written after it', async () => {
  const { writer, set, written } = rig();
  set('False');
  await new Promise(setImmediate);
  set('True');
  await writer.settled();
  expect(written()).toEqual(['False', 'True']);
});

test('readiness that somebody else took away is given back', async () => {
  const { writer, observe, set, written } = rig();
  set('True');
  await writer.settled();
  observe('10', 'True');
  observe('11', 'False');
  await writer.settled();
  expect(written()).toEqual(['True', 'True']);
});

test('what stood there before our own write is no reason to write again', async () => {
  const { writer, observe, set, written } = rig();
  observe('8', 'False');
  set('True');
  await writer.settled();
  observe('9', 'False');
  await writer.settled();
  expect(written()).toEqual(['True']);
});

test('a pod that has gone is not written again', async () => {
  const { writer, set, written } = rig([new ApiError(404, 'NotFound', 'gone')]);
  set('True');
  await writer.settled();
  set('False');
  await writer.settled();
  expect(written()).toEqual(['True']);
});
