import { expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { millis, seconds } from '../../lib/time.ts';
import { type Api, ApiError, type ApiRequest, ApiUnreachable } from '../client/api.ts';
import { fenceWrites, isNotLeader } from './fenced-api.ts';

const path = '/api/v1/namespaces/default/services/a/status';

/** An API behind a leadership that is valid for so long. */
const rig = (validFor: number) => {
  const sent: ApiRequest[] = [];
  /** Instead of an answer at once. */
  const answers: Promise<unknown>[] = [];
  const inner: Api = {
    request: (request) => {
      sent.push(request);
      return answers.shift() ?? Promise.resolve('answer');
    },
    stream: (request) => {
      sent.push(request);
      return Promise.resolve((async function* () {})());
    },
    close: () => {},
  };
  const clock = fakeClock();
  return { api: fenceWrites(inner, { leadership: { validFor: () => millis(validFor) }, clock }), sent, clock, answers };
};

test('a write carries a deadline that ends before the leadership, for us and for the server', async () => {
  const { api, sent } = rig(3000.7);
  const { signal } = new AbortController();
  expect(await api.request({ method: 'PATCH', path, query: { fieldManager: 'x' }, body: {}, signal })).toBe('answer');
  expect(sent).toEqual([
    {
      method: 'PATCH',
      path,
      query: { fieldManager: 'x' },
      body: {},
      signal,
      deadline: millis(3000.7 - 250),
      limitsServer: true,
    },
  ]);
});

test('a shorter deadline of its own stays', async () => {
  const { api, sent } = rig(3000);
  await api.request({ method: 'POST', path, deadline: seconds(1) });
  expect(sent[0]).toMatchObject({ deadline: 1000, limitsServer: true });
});

test.each([0, 500, 749])('a write is not begun when the leadership is valid for %d ms', async (validFor) => {
  const { api, sent } = rig(validFor);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    const refused: unknown = await api.request({ method, path }).catch((error: unknown) => error);
    expect(isNotLeader(refused), method).toBe(true);
  }
  expect(sent).toEqual([]);
});

test('a write is begun when the leadership is valid for 750 ms', async () => {
  const { api, sent } = rig(750);
  await api.request({ method: 'DELETE', path });
  expect(sent).toHaveLength(1);
});

test('reads pass untouched, whoever leads', async () => {
  const { api, sent } = rig(0);
  await api.request({ path });
  await api.stream({ method: 'GET', path, query: { watch: 'true' } });
  expect(sent).toEqual([{ path }, { method: 'GET', path, query: { watch: 'true' } }]);
});

test('who leads for ever writes as without a fence', async () => {
  const { api, sent } = rig(Infinity);
  await api.request({ method: 'PATCH', path });
  expect(sent).toEqual([{ method: 'PATCH', path }]);
});

test('all is at rest when every write was answered, or the time of those that were not is over', async () => {
  const { api, clock, answers } = rig(3250);
  const slow = Promise.withResolvers<unknown>();
  answers.push(slow.promise);
  const writing = api.request({ method: 'PATCH', path });
  expect(api.isAtRest()).toBe(false);
  slow.reject(new ApiUnreachable('lost', undefined));
  await expect(writing).rejects.toThrow('lost');
  clock.advance(millis(2999));
  expect(api.isAtRest()).toBe(false);
  clock.advance(millis(1));
  expect(api.isAtRest()).toBe(true);
  answers.push(Promise.reject(new ApiError(409, 'Conflict', 'no')));
  await expect(api.request({ method: 'PATCH', path })).rejects.toThrow('no');
  await api.request({ method: 'PATCH', path });
  expect(api.isAtRest()).toBe(true);
});
