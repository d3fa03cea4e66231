import { UnfinishedText } from './unfinished-text.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const openings = new Set([0x7b, openBracket]); // { [
const closings = new Set([0x7d, 0x5d]); // } ]

/** Nesting depths: within the list's own braces, within the array of items. */
const inList = 1;
const inArray = 2;

/**
 * Cuts the JSON of a Kubernetes list into its items while it comes, so that they are parsed one by one. A page as one
 * text is larger than what V8 collects early: with 6,000 services it made 30 MiB of garbage (docs/performance.md).
 */
export class ListSplitter {
  #depth = 0;
  #isInString = false;
  /** Whether the chunk before ended between a backslash and what it escapes. */
  #isEscaped = false;
  #isInItems = false;
  /** What came in earlier chunks of the item, or of the text around the items. */
  readonly #text = new UnfinishedText();
  /** The list without its items. */
  #rest = '';

  /** Takes the next chunk and gives the texts of the items that it completes. */
  push(chunk: Uint8Array): string[] {
    const items: string[] = [];
    let start = 0; // of what belongs together from here on
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] ?? 0;
      if (this.#isInString) at = this.#skipString(chunk, at);
      else if (octet === quote) this.#isInString = true;
      else if (openings.has(octet)) {
        if (this.#isInItems && this.#depth === inArray) start = at;
        this.#depth++;
        if (octet === openBracket && this.#depth === inArray) {
          this.#rest += this.#text.complete(chunk.subarray(start, at + 1));
          start = at + 1;
          this.#isInItems = /"items"\s*:\s*\[$/.test(this.#rest);
        }
      } else if (closings.has(octet)) {
        this.#depth--;
        if (this.#isInItems && this.#depth === inArray) items.push(this.#text.complete(chunk.subarray(start, at + 1)));
        if (this.#isInItems && this.#depth === inList) {
          this.#isInItems = false;
          start = at;
        }
      }
    }
    const isBetweenItems = this.#isInItems && this.#depth === inArray;
    if (!isBetweenItems && start < chunk.length) this.#text.add(chunk.subarray(start));
    return items;
  }

  /** After the last chunk: the text of the list with no items in it. */
  end(): string {
    return this.#rest + this.#text.complete(new Uint8Array());
  }

  /** The position of the quote that ends the string, or of the end of the chunk. */
  #skipString(chunk: Uint8Array, from: number): number {
    let at = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    for (;;) {
      const next = chunk.indexOf(quote, at);
      const end = next === -1 ? chunk.length : next;
      let backslashes = 0;
      while (end - backslashes > at && chunk[end - backslashes - 1] === backslash) backslashes++;
      const isEscaped = backslashes % 2 === 1;
      if (next === -1) {
        this.#isEscaped = isEscaped;
        return end;
      }
      if (!isEscaped) {
        this.#isInString = false;
        return next;
      }
      at = next + 1;
    }
  }
}
