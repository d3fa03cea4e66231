import * as z from 'zod/mini';
import { type CelRule, field } from './field.ts';

// The micro sign and the Greek letter are escaped, because V8 keeps a file with them in two octets per character.
const microseconds = '[u\u00b5\u03bc]s';

/** A duration as Go writes it, without a sign that makes it negative: `90s`, `1m30s`, `1.5h`, `0`. */
export const durationPattern = String.raw`^[+]?(?:0|(?:(?:\d+(?:[.]\d*)?|[.]\d+)(?:ns|${microseconds}|ms|s|m|h))+)$`;

const example = 'write numbers with units, such as 90s, 1m30s or 500ms';

const isDuration: CelRule = {
  rule: `self.matches(r'${durationPattern}')`,
  message: `invalid duration: ${example}`,
  messageExpression: `'invalid duration "' + self + '": ${example}'`,
};

/** A rule that holds for all text that is no duration, since `isDuration` refuses that already. */
const ofDuration = (rule: string, message: string): CelRule => ({
  rule: `!self.matches(r'${durationPattern}') || (${rule})`,
  message,
});

const maxDurationLength = 64;

/** A duration that may be left out. Parsing gives the text as it stands. */
export const durationText = (description: string) =>
  field(z.optional(z.string()), `${description} A duration such as 90s or 1m30s.`, {
    maxLength: maxDurationLength,
    'x-kubernetes-validations': [isDuration],
  });

/** A duration of whole seconds from 1 to 65535 that may be left out. Parsing gives the text as it stands. */
export const wholeSecondsText = (description: string) =>
  field(z.optional(z.string()), `${description} A duration of whole seconds, from 1s to 65535s.`, {
    maxLength: maxDurationLength,
    'x-kubernetes-validations': [
      isDuration,
      ofDuration(
        'duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535',
        'connect time should be between 1 seconds to 65535',
      ),
      ofDuration(
        'duration(self).getMilliseconds() % 1000 == 0',
        'connect time should contain a whole number of seconds',
      ),
    ],
  });
