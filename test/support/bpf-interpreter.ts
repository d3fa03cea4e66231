import { BpfCode, type BpfInstruction, interfaceIndexOffset, packetTypeOffset } from '../../src/proto/bpf/assembler.ts';

/** What the kernel knows of a frame besides its octets. */
export type BpfMetadata = { readonly packetType?: number | undefined; readonly interfaceIndex?: number };

/**
 * Runs a program as the kernel does and gives the octets to keep, 0 for none. A read outside of the
 * packet drops it; a program that the kernel would refuse throws.
 */
export const runBpf = (
  program: readonly BpfInstruction[],
  packet: Uint8Array,
  { packetType = 1, interfaceIndex = 0 }: BpfMetadata = {},
): number => {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let a = 0;
  let x = 0;
  for (let at = 0; ; at++) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`the program runs past its end at ${at}`);
    const { code, ifTrue, ifFalse, k } = instruction;
    if (ifTrue > 255 || ifFalse > 255 || ifTrue < 0 || ifFalse < 0) throw new Error(`a branch at ${at} is too far`);
    if (k < 0 || k > 0xffff_ffff) throw new Error(`a constant at ${at} has more than 32 bits`);
    switch (code) {
      case BpfCode.loadConstant:
        a = k;
        break;
      case BpfCode.loadWord:
        if (k === packetTypeOffset) a = packetType;
        else if (k === interfaceIndexOffset) a = interfaceIndex;
        else if (k + 4 > packet.length) return 0;
        else a = view.getUint32(k);
        break;
      case BpfCode.loadHalf:
        if (k + 2 > packet.length) return 0;
        a = view.getUint16(k);
        break;
      case BpfCode.toIndex:
        x = a;
        break;
      case BpfCode.subtract:
        a = (a - k) >>> 0;
        break;
      case BpfCode.and:
        a = (a & k) >>> 0;
        break;
      case BpfCode.shiftRight:
        if (k > 31) throw new Error(`a shift at ${at} by ${k} bits`);
        a >>>= k;
        break;
      case BpfCode.shiftLeftByIndex:
        a = (a << (x & 31)) >>> 0;
        break;
      case BpfCode.jump:
        at += k;
        break;
      case BpfCode.jumpIfEqual:
        at += a === k ? ifTrue : ifFalse;
        break;
      case BpfCode.jumpIfGreater:
        at += a > k ? ifTrue : ifFalse;
        break;
      case BpfCode.jumpIfGreaterOrEqual:
        at += a >= k ? ifTrue : ifFalse;
        break;
      case BpfCode.jumpIfAnyOfIndex:
        at += (a & x) !== 0 ? ifTrue : ifFalse;
        break;
      case BpfCode.return:
        return k;
      default:
        throw new Error(`an unknown instruction ${code} at ${at}`);
    }
  }
};
