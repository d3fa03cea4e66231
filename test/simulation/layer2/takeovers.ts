import type { Ip } from '../../../src/lib/ip.ts';
import type { OwnershipReport } from '../../../src/proto/ownership/machine.ts';
import type { Host } from './host.ts';
import { type Port, reaches } from './lan.ts';
import type { MainThread } from './main-thread.ts';
import type { Speaker } from './speaker.ts';

/** A group was taken from an owner that lived and was heard. */
export type FalseTakeover = { readonly at: number; readonly key: Ip; readonly taker: string; readonly owner: string };

/** A thread that stands still for longer than this need not count as alive. */
const patience = 500;

/** With more frames lost than this, silence cannot be told from bad luck. */
const reliable = 0.2;

/** After a change of the world everybody has been heard, or missed, in this time: who owns nothing speaks once a second. */
export const calmTime = 3500;

type Node = {
  readonly name: string;
  readonly host: Host;
  readonly speaker: Speaker | undefined;
  readonly main: MainThread | undefined;
};

type Owning = Extract<OwnershipReport, { readonly type: 'owning' }>;

/** Whether a speaker took a group because it believed its owner to be gone. */
export const isFromTheDead = (report: OwnershipReport): report is Owning =>
  report.type === 'owning' && (report.how === 'crash' || report.how === 'orphaned');

/**
 * Nodes from which a group must not be taken: they own it, live, and can be heard wherever the taker would answer, by the
 * taker or by one that can tell it so.
 */
export const livingOwners = (nodes: ReadonlyMap<string, Node>, taker: string, key: Ip): readonly string[] => {
  const isOwner = ({ name, speaker, main }: Node): boolean =>
    name !== taker &&
    speaker?.state() === 'running' &&
    main?.isHung() !== true &&
    speaker.stalledFor() <= patience &&
    speaker.ownership.owns(key);
  const places = [...nodes.get(taker)!.host.ports.values()];
  return [...nodes.values()]
    .filter((node) => isOwner(node) && places.every((place) => isHeardAt(nodes, [...node.host.ports.values()], place)))
    .map(({ name }) => name);
};

const reachEachOther = (a: Port, b: Port): boolean => reaches(a, b) && reaches(b, a);

const isHeardAt = (nodes: ReadonlyMap<string, Node>, owned: readonly Port[], place: Port): boolean =>
  place.segment.weather.loss < reliable &&
  [...nodes.values()].some(
    ({ host, speaker }) =>
      host.isOn() &&
      speaker?.state() === 'running' &&
      [...host.ports.values()].some(
        (port) =>
          !owned.includes(port) &&
          (port === place || reachEachOther(port, place)) &&
          owned.some((one) => reachEachOther(one, port)),
      ),
  );
