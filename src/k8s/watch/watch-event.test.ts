import { expect, test } from 'vitest';
import { ApiError, ApiUnreachable } from '../client/api.ts';
import { parseWatchEvent, versionOf } from './watch-event.ts';

const object = { metadata: { name: 'a', resourceVersion: '7' } };

test.each(['ADDED', 'MODIFIED'])('%s says that the object is there', (type) => {
  expect(parseWatchEvent(JSON.stringify({ type, object }))).toEqual({
    type: 'present',
    raw: object,
    resourceVersion: '7',
  });
});

test('DELETED carries the last state and the version of the deletion', () => {
  expect(parseWatchEvent(JSON.stringify({ type: 'DELETED', object }))).toEqual({
    type: 'deleted',
    raw: object,
    resourceVersion: '7',
  });
});

test('a bookmark carries a version alone', () => {
  const line =
    '{"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"12746"}}}';
  expect(parseWatchEvent(line)).toEqual({ type: 'bookmark', resourceVersion: '12746' });
});

test('an ERROR event carries the code, reason and message of its Status', () => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (5)' };
  const event = parseWatchEvent(JSON.stringify({ type: 'ERROR', object: status }));
  expect(event.type).toBe('error');
  if (event.type !== 'error') return;
  expect(event.error).toBeInstanceOf(ApiError);
  expect(event.error).toMatchObject({ status: 410, reason: 'Expired', message: 'too old resource version: 1 (5)' });
});

test.each(['{"type":"ADDED","obj', '{"type":"SURPRISE"}', '[]', 'null', '7'])('%s ends the watch', (line) => {
  expect(() => parseWatchEvent(line)).toThrow(ApiUnreachable);
});

test('an answer that is no JSON is not repeated: it may be a Secret', () => {
  const text = '{"data":{"key":"c2VjcmV0"x}}';
  expect(() => parseWatchEvent(text)).toThrow(
    expect.objectContaining({ message: 'an answer that is no JSON', cause: undefined }),
  );
});

test('a version is text; anything else is none', () => {
  expect(versionOf({ metadata: { resourceVersion: '0012' } })).toBe('0012');
  expect(versionOf({ metadata: { resourceVersion: 12 } })).toBeUndefined();
  expect(versionOf({ metadata: { resourceVersion: '' } })).toBeUndefined();
  expect(versionOf(undefined)).toBeUndefined();
});
