import { expect, test } from 'vitest';
import { parseCertificates } from './issue-certificates.ts';

const pair = { cert: 'a certificate', key: 'a key' };

test('as many certificates as were asked for are an answer', () => {
  expect(parseCertificates(JSON.stringify([pair, pair]), 2)).toEqual([pair, pair]);
});

test.each([
  ['[{"cert":"a certificate","key":"a key"', 'an answer of 38 characters that is no JSON'],
  ['null', '0 certificates instead of 1'],
  ['{}', '0 certificates instead of 1'],
  ['[]', '0 certificates instead of 1'],
  ['[{"cert":"a certificate"}]', '0 certificates instead of 1'],
  ['[{"cert":7,"key":"a key"}]', '0 certificates instead of 1'],
  [JSON.stringify([pair, pair]), '2 certificates instead of 1'],
])('%s is none, and is not repeated', (output, message) => {
  expect(() => parseCertificates(output, 1)).toThrow(new Error(message));
});
