import type { NodeView } from '../src/domain/objects.ts';
import type { Ip } from '../src/lib/ip.ts';

/**
 * Whether this machine goes by a name that is another's: the Node object of that name has addresses, and ours is not
 * among them. Of two living speakers with one name the other one stays.
 */
export const isNameOfAnother = (node: Pick<NodeView, 'addresses'> | undefined, own: Ip): boolean =>
  node !== undefined && node.addresses.length > 0 && !node.addresses.includes(own);
