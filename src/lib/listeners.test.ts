import { expect, test } from 'vitest';
import { createListeners } from './listeners.ts';

test('listeners are told in the order in which they came, until they want no more', () => {
  const told: string[] = [];
  const { add, tell } = createListeners<number>();
  const endFirst = add((news) => told.push(`first ${news}`));
  add((news) => told.push(`second ${news}`));
  tell(1);
  endFirst();
  tell(2);
  expect(told).toEqual(['first 1', 'second 1', 'second 2']);
});
