/**
 * Classic BPF as packet sockets take it (linux/bpf_common.h; McCanne and Jacobson, "The BSD Packet Filter"): an
 * accumulator A, an index register X, and jumps that only go forward.
 */

/** Operation codes, those that the filters here use. */
export const BpfCode = {
  /** A := constant */
  loadConstant: 0x00,
  /** A := word of the packet */
  loadWord: 0x20,
  /** A := half word of the packet */
  loadHalf: 0x28,
  /** X := A */
  toIndex: 0x07,
  subtract: 0x14,
  and: 0x54,
  shiftRight: 0x74,
  /** A := A << X */
  shiftLeftByIndex: 0x6c,
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfGreaterOrEqual: 0x35,
  /** Jumps if A and X have a bit in common. */
  jumpIfAnyOfIndex: 0x4d,
  /** Ends; the constant says how many octets of the packet are kept, 0 drops it. */
  return: 0x06,
} as const;

/**
 * Where the kernel shows facts that are not in the packet (linux/filter.h): the kind of its destination, and the
 * interface that it has come to.
 */
export const packetTypeOffset = 0xffff_f004;
export const interfaceIndexOffset = 0xffff_f008;

/** One instruction; `ifTrue` and `ifFalse` count instructions to skip. */
export type BpfInstruction = {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly k: number;
};

/** A place in a program. */
export type BpfLabel = number & { readonly label: true };

/** Writes a program from its end to its start, so that every target is known when a jump to it is written. */
export type BpfAssembler = {
  /** Writes an instruction that goes on with the one written before it. */
  readonly write: (code: number, k?: number) => BpfLabel;
  /** Writes a conditional jump; distances are no concern of the caller. */
  readonly branch: (code: number, k: number, ifTrue: BpfLabel, ifFalse: BpfLabel) => BpfLabel;
  /** How many instructions there are. */
  readonly length: () => number;
  /** The program from its start. */
  readonly finish: () => readonly BpfInstruction[];
};

/** Starts at the end of a program. */
export const assembleBpf = (): BpfAssembler => {
  /** The last instruction of the program comes first; a label is a position in here. */
  const backwards: BpfInstruction[] = [];
  /** For targets too far away for a branch (8 bits): the latest unconditional jump (32 bits) to each. */
  const relays = new Map<BpfLabel, BpfLabel>();

  const push = (code: number, k: number, ifTrue = 0, ifFalse = 0): BpfLabel =>
    (backwards.push({ code, ifTrue, ifFalse, k }) - 1) as BpfLabel;

  const distance = (target: BpfLabel): number => backwards.length - 1 - target;

  /** A place that a branch written next, or after one more relay, reaches, and that leads to the target. */
  const near = (target: BpfLabel): BpfLabel => {
    const relay = relays.get(target) ?? target;
    if (distance(relay) < 255) return relay;
    // Whatever is written next is the branch itself, which never runs into this jump by accident.
    const fresh = push(BpfCode.jump, distance(target));
    relays.set(target, fresh);
    return fresh;
  };

  return {
    write: (code, k = 0) => push(code, k),
    branch: (code, k, ifTrue, ifFalse) => {
      const nearFalse = near(ifFalse);
      const nearTrue = near(ifTrue);
      return push(code, k, distance(nearTrue), distance(nearFalse));
    },
    length: () => backwards.length,
    finish: () => backwards.toReversed(),
  };
};

/** The program as `struct sock_filter`s, eight octets each, in the byte order of the (little-endian) host. */
export const encodeBpf = (program: readonly BpfInstruction[]): Uint8Array => {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, ifTrue, ifFalse, k }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, k, true);
  }
  return bytes;
};
