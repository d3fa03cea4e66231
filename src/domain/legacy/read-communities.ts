import { err, ok, type Result } from '../../lib/result.ts';
import { compareText } from '../../lib/sorted.ts';
import type { MapReader } from './map-reader.ts';

/** Reads `bgp-communities` into the entries of a `Community`, in order of name; one that is wrong is left out. */
export const readCommunities = (top: MapReader): readonly { readonly name: string; readonly value: string }[] =>
  top
    .textMap('bgp-communities')
    .filter(([name, { value, path }]) => {
      const checked = checkCommunity(value);
      if (!checked.ok) top.fault(path, `parsing community ${JSON.stringify(name)}: ${checked.error}`);
      return checked.ok;
    })
    .map(([name, { value }]) => ({ name, value }))
    .sort((a, b) => compareText(a.name, b.name));

/** Checks a community of RFC 1997, `64512:100`: the only kind that the ConfigMap knew. */
export const checkCommunity = (text: string): Result<string> => {
  const quoted = JSON.stringify(text);
  const [first = '', second, ...more] = text.split(':');
  if (second === undefined || more.length > 0) return err(`invalid community string ${quoted}`);
  const problem = sectionProblem(first);
  if (problem !== undefined) return err(`invalid first section of community ${quoted}: ${problem}`);
  const secondProblem = sectionProblem(second);
  return secondProblem === undefined
    ? ok(text)
    : err(`invalid second section of community ${quoted}: ${secondProblem}`);
};

/** Why a section is no number of 16 bits, in the words of Go; undefined if it is one. */
const sectionProblem = (section: string): string | undefined => {
  const parsing = `strconv.ParseUint: parsing ${JSON.stringify(section)}`;
  if (!/^\d+$/.test(section)) return `${parsing}: invalid syntax`;
  return Number(section) > 0xffff ? `${parsing}: value out of range` : undefined;
};
