import { communitySpec } from '../resources/community.ts';
import { type Community, formatCommunity, parseCommunity } from './community.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';

/** A name for a community, and where it stands. */
export type CommunityAlias = { readonly name: string; readonly field: string; readonly community: Community };

/** Reads one `Community`; an entry that cannot be read is reported and left out, the others count. */
export const readCommunities = (resource: CustomResource, report: Report): readonly CommunityAlias[] | undefined => {
  const spec = parseSpec(communitySpec, resource, report);
  return spec?.communities?.flatMap(({ name = '', value = '' }, index) => {
    const field = `spec.communities[${index}]`;
    const parsed = parseCommunity(value);
    if (parsed.ok) return [{ name, field, community: parsed.value }];
    report(
      'InvalidCommunity',
      `${field}.value`,
      `parsing community "${name}": ${parsed.error}`,
      'the entry is left out',
    );
    return [];
  });
};

/** The aliases by name. Of two that share a name the first counts; the reporter of the second one's object is told. */
export const aliasMap = (
  objects: readonly { readonly aliases: readonly CommunityAlias[]; readonly report: Report }[],
): ReadonlyMap<string, Community> => {
  const byName = new Map<string, Community>();
  for (const { aliases, report } of objects) {
    for (const { name, field, community } of aliases) {
      const first = byName.get(name);
      if (first === undefined) {
        byName.set(name, community);
        continue;
      }
      const isSame = formatCommunity(first) === formatCommunity(community);
      const cause = `duplicate definition of community "${name}"`;
      if (isSame) report('DuplicateDefinition', field, cause);
      else report('InvalidCommunity', field, cause, `"${name}" stays ${formatCommunity(first)}`);
    }
  }
  return byName;
};
