import { EtherType } from '../ethernet/iana.ts';
import type { Ipv6Words } from '../ndp/address.ts';
import { NdpType } from '../ndp/iana.ts';
import { ndpKeptLength, ndpOffset, nextHeaderAndHopLimit } from '../ndp/packet.ts';
import {
  assembleBpf,
  type BpfAssembler,
  BpfCode,
  type BpfInstruction,
  type BpfLabel,
  interfaceIndexOffset,
  packetTypeOffset,
} from './assembler.ts';
import { type Ipv6Lookup, ipv6Lookup, writeIpv6Lookup } from './ipv6-lookup.ts';

/** The kernel takes no longer programs (`BPF_MAXINSNS`). */
const maxInstructions = 4096;

/** Frames to this host, to everybody and to groups are of types 0 to 2; other hosts and our own frames follow. */
const packetTypeMulticast = 2;

/** Instructions around the lookups. */
const frameworkBound = 20;

/**
 * A filter that passes Neighbor Solicitations and Advertisements whose target is one of the `held` addresses, and
 * Advertisements whose target is one of those `asked` for, and nothing else: no message with extension headers, none that
 * has come through a router. It must have come to the interface itself: a socket gets the frames of the VLANs on its
 * interface too, without their tags. Where that takes more than `limit` instructions it passes some other addresses too;
 * in the end all solicitations and advertisements. It never keeps back an address that is named.
 */
export const ndpFilter = (
  interfaceIndex: number,
  held: readonly Ipv6Words[],
  asked: readonly Ipv6Words[] = [],
  limit: number = maxInstructions,
): readonly BpfInstruction[] => {
  if (held.length + asked.length === 0) return [{ code: BpfCode.return, ifTrue: 0, ifFalse: 0, k: 0 }];
  const assembler = assembleBpf();
  const reject = assembler.write(BpfCode.return, 0);
  const accept = assembler.write(BpfCode.return, ndpKeptLength);
  const room = limit - frameworkBound;
  // Whoever was asked is one or a few; what is held gets the rest of the room.
  const askedLookup = asked.length === 0 ? 'none' : ipv6Lookup(asked, room / 4);
  const heldLookup = held.length === 0 ? 'none' : ipv6Lookup(held, askedLookup === 'none' ? room : (3 * room) / 4);
  const solicited = writeChoice(assembler, heldLookup, accept, reject);
  const advertised = writeChoice(assembler, askedLookup, accept, solicited);
  let next = assembler.branch(BpfCode.jumpIfEqual, NdpType.neighborAdvertisement * 0x100, advertised, reject);
  next = assembler.branch(BpfCode.jumpIfEqual, NdpType.neighborSolicitation * 0x100, solicited, next);
  next = assembler.write(BpfCode.loadHalf, ndpOffset.type);
  for (const [offset, value] of [
    [ndpOffset.nextHeader, nextHeaderAndHopLimit],
    [ndpOffset.etherType, EtherType.ipv6],
  ] as const) {
    assembler.branch(BpfCode.jumpIfEqual, value, next, reject);
    next = assembler.write(BpfCode.loadHalf, offset);
  }
  assembler.branch(BpfCode.jumpIfEqual, interfaceIndex, next, reject);
  next = assembler.write(BpfCode.loadWord, interfaceIndexOffset);
  assembler.branch(BpfCode.jumpIfGreater, packetTypeMulticast, reject, next);
  assembler.write(BpfCode.loadWord, packetTypeOffset);
  return assembler.finish();
};

/**
 * Filters for the same addresses, each half as long as the one before at most, for a kernel that grants less memory
 * (`net.core.optmem_max`) than the first one needs; the last, a few instructions, passes all solicitations and
 * advertisements.
 */
export function* ndpFilters(
  interfaceIndex: number,
  held: readonly Ipv6Words[],
  asked: readonly Ipv6Words[] = [],
): Generator<readonly BpfInstruction[]> {
  for (let limit = maxInstructions; ;) {
    const program = ndpFilter(interfaceIndex, held, asked, limit);
    yield program;
    if (program.length <= frameworkBound) return;
    limit = program.length / 2;
  }
}

/** Where looking a target up starts: nothing is found in no set, and everything where no lookup fits. */
const writeChoice = (
  assembler: BpfAssembler,
  lookup: Ipv6Lookup | 'none' | undefined,
  found: BpfLabel,
  missing: BpfLabel,
): BpfLabel => {
  if (lookup === 'none') return missing;
  if (lookup === undefined) return found;
  return writeIpv6Lookup(assembler, lookup, { offset: ndpOffset.target, found, missing });
};
