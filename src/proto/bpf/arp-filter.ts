import { arpFrameLength, arpOffset } from '../arp/packet.ts';
import { EtherType } from '../ethernet/iana.ts';
import { coverage, lookupBound, type PrefixSet, prefixSet, writeLookup } from './address-lookup.ts';
import { assembleBpf, BpfCode, type BpfInstruction, interfaceIndexOffset, packetTypeOffset } from './assembler.ts';

/** The kernel takes no longer programs (`BPF_MAXINSNS`). */
const maxInstructions = 4096;

/** Frames to this host and to everybody are of types 0 and 1; groups, other hosts and our own frames follow. */
const packetTypeBroadcast = 1;

/** Instructions around the two lookups. */
const frameworkBound = 16;

/**
 * A filter that passes ARP whose target or sender is one of the addresses (unsigned 32-bit numbers), and nothing else. It
 * must have come to the interface itself: a socket gets the frames of the VLANs on its interface too, without their tags.
 * Where that takes more than `limit` instructions it passes some other addresses too, as few as the limit allows; in the
 * end all ARP. It never keeps back an address of ours.
 */
export const arpFilter = (
  interfaceIndex: number,
  addresses: Iterable<number>,
  limit: number = maxInstructions,
): readonly BpfInstruction[] => {
  const sorted = Uint32Array.from(new Set(addresses)).sort();
  if (sorted.length === 0) return [{ code: BpfCode.return, ifTrue: 0, ifFalse: 0, k: 0 }];
  const lookups = chooseLookups(sorted, limit - frameworkBound);
  const assembler = assembleBpf();
  const reject = assembler.write(BpfCode.return, 0);
  const accept = assembler.write(BpfCode.return, arpFrameLength);
  let next = accept;
  if (lookups !== undefined) {
    const sender = writeLookup(assembler, {
      offset: arpOffset.senderIp,
      set: lookups.sender,
      found: accept,
      missing: reject,
    });
    next = writeLookup(assembler, { offset: arpOffset.targetIp, set: lookups.target, found: accept, missing: sender });
  }
  for (const [load, offset, value] of [
    [BpfCode.loadHalf, arpOffset.lengths, 0x0604],
    [BpfCode.loadWord, arpOffset.hardwareAndProtocol, 0x0001_0800],
    [BpfCode.loadHalf, arpOffset.etherType, EtherType.arp],
  ] as const) {
    assembler.branch(BpfCode.jumpIfEqual, value, next, reject);
    next = assembler.write(load, offset);
  }
  assembler.branch(BpfCode.jumpIfEqual, interfaceIndex, next, reject);
  next = assembler.write(BpfCode.loadWord, interfaceIndexOffset);
  assembler.branch(BpfCode.jumpIfGreater, packetTypeBroadcast, reject, next);
  assembler.write(BpfCode.loadWord, packetTypeOffset);
  return assembler.finish();
};

/**
 * Filters for the same addresses, each half as long as the one before at most, for a kernel that grants less memory
 * (`net.core.optmem_max`) than the first one needs; the last, a few instructions, passes all ARP.
 */
export function* arpFilters(interfaceIndex: number, addresses: Iterable<number>): Generator<readonly BpfInstruction[]> {
  const kept = [...addresses];
  for (let limit = maxInstructions; ;) {
    const program = arpFilter(interfaceIndex, kept, limit);
    yield program;
    if (program.length <= frameworkBound) return;
    limit = program.length / 2;
  }
}

type Lookups = { readonly target: PrefixSet; readonly sender: PrefixSet };

/**
 * The lengths of prefix at which both lookups fit and the fewest foreign addresses pass. Both count alike: a request
 * between two foreign hosts passes if either of them is let through. Undefined if none fit.
 */
const chooseLookups = (addresses: Uint32Array, limit: number): Lookups | undefined => {
  const exact = prefixSet(addresses, 0);
  if (2 * lookupBound(exact) <= limit) return { target: exact, sender: exact };
  const candidates = Array.from({ length: 32 }, (_, shift) => {
    const set = prefixSet(addresses, shift);
    return { set, size: lookupBound(set), passed: coverage(set) };
  });
  let best: { readonly lookups: Lookups; readonly cost: number } | undefined;
  for (const target of candidates) {
    // The first that fits beside it is the most exact one.
    const sender = candidates.find(({ size }) => target.size + size <= limit);
    if (sender === undefined) continue;
    const cost = target.passed + sender.passed;
    if (best === undefined || cost < best.cost) best = { lookups: { target: target.set, sender: sender.set }, cost };
  }
  return best?.lookups;
};
