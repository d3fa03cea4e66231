import { vi } from 'vitest';
import { newStory, type Random, seededRandom, seedsToPlay, type Story } from './random.ts';
import type { World } from './world.ts';

/** What histories had in them, together. */
export type Totals = {
  histories: number;
  /** Processes that were started. */
  processes: number;
  /** How often a process began to work as the leader. */
  terms: number;
  /** Status writes, whatever came of them. */
  writes: number;
  events: number;
  /** Addresses that were given twice. */
  doubleUses: number;
};

/** Plays the first `count` histories, or those that the environment names, and throws with the seed of one that fails. */
export const playHistories = async (
  count: number,
  play: (random: Random, story: Story) => Promise<World>,
): Promise<Totals> => {
  const totals: Totals = { histories: 0, processes: 0, terms: 0, writes: 0, events: 0, doubleUses: 0 };
  for (const seed of seedsToPlay(count)) {
    const story = newStory(seed);
    const random = seededRandom(seed);
    // The jitter of retries.
    const jitter = vi.spyOn(Math, 'random').mockImplementation(random.next);
    try {
      const world = await play(random, story);
      totals.histories++;
      totals.processes += world.launches();
      totals.terms += world.terms();
      totals.writes += world.writes();
      totals.events += world.told.length;
      totals.doubleUses += world.doubleUses.length;
    } catch (error) {
      throw story.failure(error);
    } finally {
      jitter.mockRestore();
    }
  }
  return totals;
};
