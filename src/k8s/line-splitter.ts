const newline = 0x0a;

/** Cuts a stream of octets into lines of text. Octets are decoded per line, so a chunk may end inside a character. */
export class LineSplitter {
  /** The line that is not complete yet, as it came. */
  #parts: Uint8Array[] = [];

  /** Takes the next chunk and gives the lines it completes, without their line ends; empty lines are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
    return lines;
  }

  #complete(last: Uint8Array): string {
    if (this.#parts.length === 0) return decode(last);
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return decode(line);
  }
}

const decode = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8');
