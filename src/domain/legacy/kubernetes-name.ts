import { err, ok, type Result } from '../../lib/result.ts';

/** What MetalLB's converter leaves as it is. */
const goodName = /^[a-z][-a-z0-9]{0,61}[a-z0-9]$/;

const longestName = 63;

/**
 * The name that an object made from an entry gets: as MetalLB's converter gives it (lower case, `-` for `_`, beginning
 * with the first letter), and beyond that without the other characters that no object may have in its name.
 */
export const kubernetesName = (text: string): Result<string> => {
  if (goodName.test(text)) return ok(text);
  const lower = text.slice(0, longestName).toLowerCase().replaceAll('_', '-');
  const firstLetter = lower.search(/[a-z]/);
  if (firstLetter < 0) {
    return err(
      `failed to make ${JSON.stringify(text)} K8S compatible: its first ${longestName} characters hold no letter`,
    );
  }
  const parts = lower
    .slice(firstLetter)
    .replaceAll(/[^-.a-z0-9]/g, '-')
    .split('.')
    .map((part) => part.replaceAll(/^-+|-+$/g, ''));
  return ok(parts.filter((part) => part !== '').join('.'));
};
