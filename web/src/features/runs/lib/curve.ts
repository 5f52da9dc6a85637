/** The loss as a line to draw. */

import type { Loss } from "@/features/runs/lib/machine";

export const WIDTH = 300;
export const HEIGHT = 90;

/**
 * The points of a polyline within WIDTH x HEIGHT; the loss on a logarithmic scale, since it falls
 * by powers. Values that no logarithm takes are left out.
 */
export function curvePoints(losses: readonly Loss[]): string {
  const drawn = losses.filter(({ loss }) => Number.isFinite(loss) && loss > 0);
  if (drawn.length < 2) return "";
  const steps = drawn.map(({ step }) => step);
  const logs = drawn.map(({ loss }) => Math.log(loss));
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return drawn
    .map(({ step, loss }) => {
      const x = last > first ? ((step - first) / (last - first)) * WIDTH : 0;
      const y = high > low ? ((high - Math.log(loss)) / (high - low)) * HEIGHT : HEIGHT / 2;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
