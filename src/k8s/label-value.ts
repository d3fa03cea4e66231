import { createHash } from 'node:crypto';

/** Characters. */
const longest = 63;

/** The name of an object as the value of a label; where it is too long for one, its beginning and a hash. */
export const labelValue = (name: string): string => {
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, longest - hash.length - 1)}-${hash}`;
};
