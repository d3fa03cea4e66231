import type { CelRule } from './field.ts';

// Regular expressions in the syntax that RE2 (the API server) and JavaScript (our tests) share.

/** One octet, without leading zeros. */
const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const ipv4 = String.raw`(?:${octet}\.){3}${octet}`;

/**
 * Eight groups, or fewer with one `::`: some groups before it, some behind it, seven at most. The form that ends in a
 * dotted IPv4 address is left out, as no pool needs it and the rules have to stay small.
 */
const group = String.raw`[\da-fA-F]{1,4}`;
const compressed = [6, 5, 4, 3, 2, 1].map((before) => `(?:${group}:){1,${before}}(?::${group}){1,${7 - before}}`);
const ipv6 = `(?:(?:${group}:){7}${group}|${compressed.join('|')}|(?:${group}:){1,7}:|:(?::${group}){1,7}|::)`;

/** A whole CIDR of either family. */
export const cidrPattern = String.raw`^(?:${ipv4}/(?:3[0-2]|[12]?\d)|${ipv6}/(?:12[0-8]|1[01]\d|[1-9]?\d))$`;

/** `first-`, with blanks where a range may have them. */
export const rangeStartPattern = String.raw`^\s*(?:${ipv4}|${ipv6})\s*-`;

/** `-last`, which has no other dash in it. */
export const rangeEndPattern = String.raw`^[^-]*-\s*(?:${ipv4}|${ipv6})\s*$`;

/** Neither end has a colon, or both have one. */
const sameFamilyPattern = '^(?:[^:]*|[^-]*:[^-]*-.*:.*)$';

/** Two IPv6 addresses of the longest form, with blanks around the dash. */
export const maxAddressLength = 84;

/**
 * With it the API server can tell that the rules below stay within what it lets a rule cost. Whoever has more entries
 * makes a second pool.
 */
export const maxAddresses = 2048;

/** An expression for CEL that quotes the entry, since the server prints only its type. */
const quoting = (before: string, after: string): string => `'${before} "' + self + '"${after}'`;

const example = 'write a CIDR such as 192.0.2.0/24 or 2001:db8::/120, or a range such as 192.0.2.10-192.0.2.20';

/**
 * What the API server can see of an entry of `spec.addresses`. Patterns do it because the CEL functions `isIP` and
 * `isCIDR` came with Kubernetes 1.31, and an older server refuses a definition that uses them.
 */
export const addressRules: readonly CelRule[] = [
  {
    rule: `self.contains('-') || self.matches(r'${cidrPattern}')`,
    message: `invalid CIDR: ${example}`,
    messageExpression: quoting('invalid CIDR', `: ${example}`),
  },
  {
    rule: `!self.contains('-') || self.matches(r'${rangeStartPattern}')`,
    message: 'invalid IP range: invalid start IP',
    messageExpression: quoting('invalid IP range', ': invalid start IP'),
  },
  {
    rule: `!self.contains('-') || self.matches(r'${rangeEndPattern}')`,
    message: 'invalid IP range: invalid end IP',
    messageExpression: quoting('invalid IP range', ': invalid end IP'),
  },
  {
    rule: `!self.contains('-') || self.matches(r'${sameFamilyPattern}')`,
    message: 'invalid IP range: start and end are of different families',
    messageExpression: quoting('invalid IP range', ': start and end are of different families'),
  },
];
