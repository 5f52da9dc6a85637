/** How long to wait before a call is made again. */

export const BASE_MS = 400;
export const MAX_MS = 15_000;

/**
 * Milliseconds before repeat number `attempt` (from 0): half of an exponentially growing bound, and
 * at random up to all of it, so that visitors who were cut off together do not return together.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const bound = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(attempt, 30));
  return bound / 2 + (random() * bound) / 2;
}
