import { asBuffer, UnfinishedText } from './unfinished-text.ts';

const newline = 0x0a;

/** Cuts a stream of octets into lines of text. */
export class LineSplitter {
  readonly #line = new UnfinishedText();

  /** Takes the next chunk and gives the lines it completes, without their line ends; empty lines are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    const buffer = asBuffer(chunk);
    let start = 0;
    for (let end = buffer.indexOf(newline); end !== -1; end = buffer.indexOf(newline, start)) {
      const line = this.#line.complete(buffer.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < buffer.length) this.#line.add(buffer.subarray(start));
    return lines;
  }
}
