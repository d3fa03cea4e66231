import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLogRequest, tailOffset } from './kubelet-server.ts';

test('the path and query of kubectl logs', () =>
  expect(parseLogRequest('/containerLogs/shop/web/main?follow=true&tailLines=5', '/logs')).toEqual({
    file: '/logs/shop_web/main.log',
    follow: true,
    tailLines: 5,
    limitBytes: undefined,
  }));

test('the log of the run before', () =>
  expect(parseLogRequest('/containerLogs/shop/web/main?previous=true', '/logs')?.file).toBe(
    '/logs/shop_web/main.log.previous',
  ));

test.each(['/', '/pods', '/containerLogs/shop/web', '/containerLogs/shop/web/..%2Fx', '/containerLogs/a/b/c/d'])(
  '%s is no request for a log',
  (url) => expect(parseLogRequest(url, '/logs')).toBeUndefined(),
);

test('the tail of a log is the same as by splitting it into lines', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-c]{0,3}$/)), fc.boolean(), fc.nat({ max: 6 }), (lines, isCut, n) => {
      const text = lines.map((line) => `${line}\n`).join('') + (isCut ? 'x' : '');
      const all = text.split(/(?<=\n)/).filter((line) => line !== '');
      const wanted = n === 0 ? '' : all.slice(-n).join('');
      expect(
        Buffer.from(text)
          .subarray(tailOffset(Buffer.from(text), n))
          .toString(),
      ).toBe(wanted);
    }),
  );
});
