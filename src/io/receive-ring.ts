import { Constant, mapMemory, setSocketOption, unmapMemory } from './libc.ts';

/** How many octets of a frame are handed over at most: the 42 of ARP, in whole words. */
export const keptLength = 44;

/** Octets of a slot: 66 of the kernel's, then what is kept of a frame, and room for 18 octets more. */
const slotLength = 128;

/**
 * At 20,000 frames a second 100 ms may pass before one is lost. With the slots this makes 256 KiB for each interface. To
 * wait with it for the first address would cost those 8 to 30 ms that the kernel takes to attach a ring, in a takeover.
 */
const slotCount = 2048;

const blockLength = 65_536;

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
  readonly #address: bigint;
  readonly #status: Int32Array;
  readonly #frames: DataView;
  #next = 0;

  /** The socket must not be bound yet, so that no frame takes another way. Throws where there are no such rings. */
  constructor(fd: number) {
    setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_VERSION, Int32Array.of(Constant.TPACKET_V2));
    const length = slotLength * slotCount;
    const request = Int32Array.of(blockLength, length / blockLength, slotLength, slotCount); // struct tpacket_req
    setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_RX_RING, request);
    try {
      const { address, memory } = mapMemory(fd, length);
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
    return (Atomics.load(this.#status, (this.#next * slotLength) / 4) & TP_STATUS_USER) !== 0;
  }

  /** Copies the start of the next frame to `target`, `keptLength` octets at most; how many, or -1 without a frame. */
  take(target: DataView): number {
    // The kernel writes the frame before the status and takes the slot back once we say so; Atomics keep that order.
    if (!this.hasFrame) return -1;
    const slot = this.#next * slotLength;
    // The kernel may have written up to the end of the slot: whole words of all that would reach beyond it.
    const length = Math.min(keptLength, this.#frames.getUint32(slot + header.capturedLength, true));
    const start = slot + this.#frames.getUint16(slot + header.start, true);
    for (let at = 0; at < length; at += 4) target.setUint32(at, this.#frames.getUint32(start + at));
    Atomics.store(this.#status, slot / 4, TP_STATUS_KERNEL);
    this.#next = (this.#next + 1) % slotCount;
    return length;
  }

  /** Gives the memory back; nothing may be taken afterwards. */
  close(): void {
    unmapMemory(this.#address, slotLength * slotCount);
  }
}
