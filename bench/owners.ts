import { type Lan, nameOf } from '../test/lan/members.ts';
import { groupOf, type ResponderProcess } from '../test/lan/responder-process.ts';
import { eventually } from '../test/support/cluster/eventually.ts';

/** Starts the speakers of a LAN, each with an address that it alone may own, and waits until they answer. */
export const startOwners = async (lan: Lan, addresses: readonly string[]): Promise<readonly ResponderProcess[]> => {
  const speakers = await Promise.all(
    addresses.map((address, index) => lan.start(index, groupOf([address], [nameOf(index)]))),
  );
  await eventually('every speaker owns its address', () =>
    speakers.every((speaker) => speaker.assumptions().length === 1),
  );
  return speakers;
};
