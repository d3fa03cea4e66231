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
 * A filter that passes ARP whose target is one of the `held` addresses (unsigned 32-bit numbers), or whose sender is one
 * of those or of those `asked` for, and nothing else. It must have come to the interface itself: a socket gets the frames
 * of the VLANs on its interface too, without their tags. Where that takes more than `limit` instructions it passes some
 * other addresses too, as few as the limit allows; in the end all ARP. It never keeps back an address that is named.
 */
export const arpFilter = (
  interfaceIndex: number,
  held: Iterable<number>,
  asked: Iterable<number> = [],
  limit: number = maxInstructions,
): readonly BpfInstruction[] => {
  const targets = Uint32Array.from(new Set(held)).sort();
  const senders = Uint32Array.from(new Set([...targets, ...asked])).sort();
  if (senders.length === 0) return [{ code: BpfCode.return, ifTrue: 0, ifFalse: 0, k: 0 }];
  const lookups = chooseLookups(targets, senders, limit - frameworkBound);
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
    const target = { offset: arpOffset.targetIp, set: lookups.target, found: accept, missing: sender };
    next = targets.length === 0 ? sender : writeLookup(assembler, target);
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
export function* arpFilters(
  interfaceIndex: number,
  held: readonly number[],
  asked: readonly number[] = [],
): Generator<readonly BpfInstruction[]> {
  for (let limit = maxInstructions; ;) {
    const program = arpFilter(interfaceIndex, held, asked, limit);
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
const chooseLookups = (targets: Uint32Array, senders: Uint32Array, limit: number): Lookups | undefined => {
  const exact = { target: prefixSet(targets, 0), sender: prefixSet(senders, 0) };
  if (lookupBound(exact.target) + lookupBound(exact.sender) <= limit) return exact;
  const targetChoices = choices(targets);
  const senderChoices = choices(senders);
  let best: { readonly lookups: Lookups; readonly cost: number } | undefined;
  for (const target of targetChoices) {
    // The first that fits beside it is the most exact one.
    const sender = senderChoices.find(({ size }) => target.size + size <= limit);
    if (sender === undefined) continue;
    const cost = target.passed + sender.passed;
    if (best === undefined || cost < best.cost) best = { lookups: { target: target.set, sender: sender.set }, cost };
  }
  return best?.lookups;
};

const choices = (
  addresses: Uint32Array,
): { readonly set: PrefixSet; readonly size: number; readonly passed: number }[] =>
  Array.from({ length: 32 }, (_, shift) => {
    const set = prefixSet(addresses, shift);
    return { set, size: lookupBound(set), passed: coverage(set) };
  });
