import type { Mac } from '../../src/lib/mac.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';

/** Parses `02:42:0a:00:00:01`, in either case. */
export const parseMac = (text: string): Result<Mac> =>
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
    ? ok(Number.parseInt(text.replaceAll(':', ''), 16) as Mac)
    : err(`invalid MAC address "${text}"`);

export { formatMac } from '../../src/lib/mac.ts';
