import { Constant, mapMemory, setSocketOption, unmapMemory } from './libc.ts';

/**
 * Octets of a ring, for each interface and protocol. With slots for ARP, 128 octets each, 100 ms may pass at 20,000
 * frames a second before one is lost. To wait with it for the first address would cost those 8 to 30 ms that the kernel
 * takes to attach a ring, in a takeover.
 */
const ringLength = 262_144;

const blockLength = 65_536;

/** Octets of a slot before the frame that are the kernel's. */
const kernelLength = 66;

/** Where a slot has what the kernel says about a frame: `struct tpacket2_hdr` (linux/if_packet.h). */
const header = { status: 0, capturedLength: 8, start: 12 } as const;

/** The frame is the kernel's to write, or ours to read. */
const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;

/**
 * The frames of a packet socket in memory that is shared with the kernel (packet(7), PACKET_RX_RING): a frame is taken
 * without a system call, and far more may wait than in the socket's own queue. Of each only the start is there.
 */
export class ReceiveRing {
  readonly #keptLength: number;
  readonly #slotLength: number;
  readonly #address: bigint;
  readonly #status: Int32Array;
  readonly #frames: DataView;
  #next = 0;

  /**
   * A ring that keeps up to `keptLength` octets of a frame, whole words. The socket must not be bound yet, so that no
   * frame takes another way. Throws where there are no such rings.
   */
  constructor(fd: number, keptLength: number) {
    this.#keptLength = keptLength;
    this.#slotLength = 2 ** Math.ceil(Math.log2(kernelLength + keptLength)); // so that slots fill blocks
    setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_VERSION, Int32Array.of(Constant.TPACKET_V2));
    const slotCount = ringLength / this.#slotLength;
    const request = Int32Array.of(blockLength, ringLength / blockLength, this.#slotLength, slotCount); // tpacket_req
    setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_RX_RING, request);
    try {
      const { address, memory } = mapMemory(fd, ringLength);
      this.#address = address;
      this.#status = new Int32Array(memory);
      this.#frames = new DataView(memory);
    } catch (error) {
      setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_RX_RING, new Int32Array(4)); // or frames go on into it
      throw error;
    }
  }

  /** Whether a frame waits. */
  get hasFrame(): boolean {
    return (Atomics.load(this.#status, (this.#next * this.#slotLength) / 4) & TP_STATUS_USER) !== 0;
  }

  /** Copies the start of the next frame to `target`, `keptLength` octets at most; how many, or -1 without a frame. */
  take(target: DataView): number {
    // The kernel writes the frame before the status and takes the slot back once we say so; Atomics keep that order.
    if (!this.hasFrame) return -1;
    const slot = this.#next * this.#slotLength;
    // The kernel may have written up to the end of the slot: whole words of all that would reach beyond it.
    const length = Math.min(this.#keptLength, this.#frames.getUint32(slot + header.capturedLength, true));
    const start = slot + this.#frames.getUint16(slot + header.start, true);
    for (let at = 0; at < length; at += 4) target.setUint32(at, this.#frames.getUint32(start + at));
    Atomics.store(this.#status, slot / 4, TP_STATUS_KERNEL);
    this.#next = (this.#next + 1) % (ringLength / this.#slotLength);
    return length;
  }

  /** Gives the memory back; nothing may be taken afterwards. */
  close(): void {
    unmapMemory(this.#address, ringLength);
  }
}
