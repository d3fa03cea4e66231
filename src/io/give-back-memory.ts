import { readFileSync } from 'node:fs';
import process from 'node:process';
import koffi from 'koffi';

/** `MADV_DONTNEED` of madvise(2). */
const dontNeed = 4;

/** Memory of this process, as madvise(2) takes it. */
export type MemoryRange = { readonly start: bigint; readonly length: bigint };

/**
 * The constants of a program among the mappings of /proc/PID/smaps: what is mapped from its file, can be read only, and
 * is in every page what the file says, so that a page that is dropped comes back by itself when it is read again. Its
 * code is left alone: most of it is read again at once.
 */
export const constantsOf = (smaps: string, program: string): readonly MemoryRange[] =>
  smaps.split(/^(?=[\da-f]+-[\da-f]+ )/m).flatMap((mapping) => {
    const { start, end, path } = head.exec(mapping)?.groups ?? {};
    if (path !== program || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    const from = BigInt(`0x${start}`);
    return [{ start: from, length: BigInt(`0x${end}`) - from }];
  });

/** `00400000-0082e000 r--p 00000000 fe:00 5310022    /usr/bin/node` */
const head = /^(?<start>[\da-f]+)-(?<end>[\da-f]+) r--p [\da-f]+ \S+ \d+ +(?<path>.+)$/m;

/**
 * Gives the system what this process does not need at rest, in a few milliseconds: free memory of the C library, which
 * keeps what compilers and connections have needed once, and the constants of the Node binary, most of which only a start
 * reads (the page cache still has them). Does nothing where the C library has no malloc_trim(3), as musl.
 */
export const giveBackMemory = (): void => {
  const { trim, advise } = (calls ??= findCalls());
  trim?.(0);
  for (const { start, length } of constantsOf(readMappings(), process.execPath)) advise(start, length, dontNeed);
};

/** Empty in a sandbox that hides them: the constants then stay where they are. */
const readMappings = (): string => {
  try {
    return readFileSync('/proc/self/smaps', 'utf8');
  } catch {
    return '';
  }
};

type Calls = {
  readonly trim: ((padding: number) => number) | undefined;
  readonly advise: (start: bigint, length: bigint, advice: number) => number;
};

let calls: Calls | undefined;

/** Found at the first use: a process that has not come to rest yet has other things to do. */
const findCalls = (): Calls => {
  const library = koffi.load(null);
  const advise = library.func('int madvise(uintptr_t, size_t, int)') as Calls['advise'];
  try {
    return { trim: library.func('int malloc_trim(size_t)') as Calls['trim'], advise };
  } catch {
    return { trim: undefined, advise }; // a C library without it
  }
};
