import { expect, test } from 'vitest';
import { isAlreadyExists, isConflict, isExpired, isNotFound } from './api.ts';
import { refusal, statusError } from './status.ts';

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const status = (fields: object): Uint8Array => octets(JSON.stringify({ kind: 'Status', ...fields }));

test('a Status object gives code, reason and message', () => {
  const error = refusal(404, undefined, status({ code: 404, reason: 'NotFound', message: 'services "a" not found' }));
  expect(error).toMatchObject({ status: 404, reason: 'NotFound', message: 'services "a" not found' });
  expect(error.retryAfter).toBeUndefined();
  expect(isNotFound(error)).toBe(true);
  expect(isConflict(error)).toBe(false);
});

test('reasons tell one 409 from another', () => {
  const conflict = refusal(409, undefined, status({ reason: 'Conflict' }));
  const exists = refusal(409, undefined, status({ reason: 'AlreadyExists' }));
  expect([isConflict(conflict), isAlreadyExists(conflict)]).toEqual([true, false]);
  expect([isConflict(exists), isAlreadyExists(exists)]).toEqual([false, true]);
});

test('the pause the server asks for comes from the header, else from the details', () => {
  expect(refusal(429, '3', status({ details: { retryAfterSeconds: 9 } })).retryAfter).toBe(3000);
  expect(refusal(429, undefined, status({ details: { retryAfterSeconds: 9 } })).retryAfter).toBe(9000);
  expect(refusal(429, 'Fri, 31 Dec 1999 23:59:59 GMT', status({})).retryAfter).toBeUndefined();
});

test('an answer that is no Status is quoted, shortened', () => {
  const error = refusal(502, undefined, octets(`<html>${'x'.repeat(500)}`));
  expect(error).toMatchObject({ status: 502, reason: '' });
  expect(error.message).toMatch(/^HTTP 502: <html>x+$/);
  expect(error.message.length).toBeLessThan(250);
});

test('a Status in a watch may lack everything', () => {
  expect(statusError(undefined)).toMatchObject({ status: 500, reason: '' });
  expect(statusError({ kind: 'Status' })).toMatchObject({ status: 500, message: 'HTTP 500' });
  expect(isExpired(statusError({ code: 410 }))).toBe(true);
});
