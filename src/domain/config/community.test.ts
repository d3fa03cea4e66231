import { expect, test } from 'vitest';
import { type Community, formatCommunity, parseCommunity } from './community.ts';

test.each<[string, Community, string]>([
  ['64512:100', { type: 'standard', asn: 64512, value: 100 }, '64512:100'],
  ['0:65535', { type: 'standard', asn: 0, value: 65535 }, '0:65535'],
  [
    'large:4294967295:1:02',
    { type: 'large', globalAdministrator: 4294967295, localData1: 1, localData2: 2 },
    '4294967295:1:2',
  ],
])('%s is read', (text, community, shown) => {
  const parsed = parseCommunity(text);
  expect(parsed).toEqual({ ok: true, value: community });
  expect(formatCommunity(community)).toBe(shown);
});

const section = (bad: string, text: string, why: string): string =>
  `invalid community value: invalid section "${bad}" of community "${text}", err: ` +
  String.raw`"strconv.ParseUint: parsing \"${bad}\": ${why}"`;

test.each([
  ['65536:1', section('65536', '65536:1', 'value out of range')],
  ['1:x', section('x', '1:x', 'invalid syntax')],
  ['1:', section('', '1:', 'invalid syntax')],
  ['1:-1', section('-1', '1:-1', 'invalid syntax')],
  ['large:1:2:4294967296', section('4294967296', 'large:1:2:4294967296', 'value out of range')],
  [
    'small:1:2:3',
    'invalid community value: invalid marker for large community, expected community to be of format ' +
      'large:<uint32>:<uint32>:<uint32> but got "small:1:2:3" instead',
  ],
  ['no-export', 'invalid community format: no-export'],
  ['1:2:3', 'invalid community format: 1:2:3'],
  ['', 'invalid community format: '],
])('%j is refused', (text, error) => expect(parseCommunity(text)).toEqual({ ok: false, error }));
