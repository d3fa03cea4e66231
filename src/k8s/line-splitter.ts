const newline = 0x0a;

/** Cuts a stream of octets into lines of text. Octets are decoded per line, so a chunk may end inside a character. */
export class LineSplitter {
  /** The line that is not complete yet, as it came. */
  #parts: Uint8Array[] = [];

  /** Takes the next chunk and gives the lines it completes, without their line ends; empty lines are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(newline); end !== -1; end = buffer.indexOf(newline, start)) {
      const line = this.#complete(buffer, start, end);
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < buffer.length) this.#parts.push(buffer.subarray(start));
    return lines;
  }

  #complete(buffer: Buffer, start: number, end: number): string {
    if (this.#parts.length === 0) return buffer.toString('utf8', start, end);
    const line = Buffer.concat([...this.#parts, buffer.subarray(start, end)]);
    this.#parts = [];
    return line.toString('utf8');
  }
}
