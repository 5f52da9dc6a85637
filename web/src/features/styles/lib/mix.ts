/** The shares of a mix of styles. */

export const SHARE_MIN = 0.05;
export const STYLES_MAX = 4;

/** Percentages of the shares: whole numbers that add up to 100. */
export function percentages(shares: readonly number[]): number[] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (total <= 0) return shares.map(() => 0);
  const exact = shares.map((share) => (100 * share) / total);
  const whole = exact.map(Math.floor);
  // The largest remainders get what is missing.
  const order = exact.map((value, place) => ({ place, rest: value - Math.floor(value) })).sort((a, b) => b.rest - a.rest);
  const missing = 100 - whole.reduce((sum, value) => sum + value, 0);
  for (const { place } of order.slice(0, missing)) whole[place] = (whole[place] ?? 0) + 1;
  return whole;
}

/** A share as the contract takes it: 0.01 to 1, to the hundredth. */
export const shareOf = (value: number): number => Math.min(1, Math.max(SHARE_MIN, Math.round(value * 100) / 100));
