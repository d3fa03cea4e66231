import { isObject, list, object } from '../../src/lib/json.ts';

/** RFC 7386. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
};

/** As a strategic merge patch changes the conditions of a core object; undefined: not at all. */
export const mergeConditions = (before: unknown, patch: unknown): readonly unknown[] | undefined => {
  if (!Array.isArray(patch)) return undefined;
  const byType = new Map(list(before).map((raw) => [object(raw)['type'], object(raw)]));
  for (const { $patch, ...condition } of patch.map(object)) {
    if ($patch === 'delete') byType.delete(condition['type']);
    else byType.set(condition['type'], { ...byType.get(condition['type']), ...condition });
  }
  return [...byType.values()];
};
