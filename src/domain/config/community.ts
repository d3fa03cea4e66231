import { err, ok, type Result } from '../../lib/result.ts';

/** A BGP community: of four octets (RFC 1997), or large, of twelve (RFC 8092). */
export type Community =
  | { readonly type: 'standard'; readonly asn: number; readonly value: number }
  | {
      readonly type: 'large';
      readonly globalAdministrator: number;
      readonly localData1: number;
      readonly localData2: number;
    };

/** Parses `<uint16>:<uint16>` or `large:<uint32>:<uint32>:<uint32>`; errors are worded as MetalLB words them. */
export const parseCommunity = (text: string): Result<Community> => {
  const sections = text.split(':');
  if (sections.length === 2) {
    const numbers = parseSections(sections, 0xffff, text);
    if (!numbers.ok) return numbers;
    const [asn, value] = numbers.value as [number, number];
    return ok({ type: 'standard', asn, value });
  }
  if (sections.length !== 4) return err(`invalid community format: ${text}`);
  if (sections[0] !== 'large') {
    return err(
      'invalid community value: invalid marker for large community, expected community to be of format ' +
        `large:<uint32>:<uint32>:<uint32> but got "${text}" instead`,
    );
  }
  const numbers = parseSections(sections.slice(1), 0xffff_ffff, text);
  if (!numbers.ok) return numbers;
  const [globalAdministrator, localData1, localData2] = numbers.value as [number, number, number];
  return ok({ type: 'large', globalAdministrator, localData1, localData2 });
};

const parseSections = (sections: readonly string[], maximum: number, text: string): Result<readonly number[]> => {
  const numbers: number[] = [];
  for (const section of sections) {
    const isNumber = /^\d+$/.test(section);
    if (!isNumber || Number(section) > maximum) {
      // As Go's strconv.ParseUint has it.
      const why = isNumber ? 'value out of range' : 'invalid syntax';
      return err(
        `invalid community value: invalid section "${section}" of community "${text}", err: ` +
          JSON.stringify(`strconv.ParseUint: parsing "${section}": ${why}`),
      );
    }
    numbers.push(Number(section));
  }
  return ok(numbers);
};

/** As users read it: `a:b`, or `a:b:c` for a large one. Equal communities are equal texts. */
export const formatCommunity = (community: Community): string =>
  community.type === 'standard'
    ? `${community.asn}:${community.value}`
    : `${community.globalAdministrator}:${community.localData1}:${community.localData2}`;
