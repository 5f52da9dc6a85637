import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { BASE_MS, backoffMs, MAX_MS } from "@/shared/lib/backoff";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("back-off", () => {
  it("waits at least half of its bound and never longer than the most", () => {
    fc.assert(fc.property(fc.nat(1_000), chance, (attempt, random) => {
      const bound = Math.min(MAX_MS, BASE_MS * 2 ** attempt);
      const ms = backoffMs(attempt, () => random);
      expect(ms).toBeGreaterThanOrEqual(bound / 2);
      expect(ms).toBeLessThanOrEqual(Math.min(bound, MAX_MS));
    }));
  });

  it("waits no less after one more failure, with the same luck", () => {
    fc.assert(fc.property(fc.nat(60), chance, (attempt, random) => {
      expect(backoffMs(attempt + 1, () => random)).toBeGreaterThanOrEqual(backoffMs(attempt, () => random));
    }));
  });

  it("spreads visitors who were cut off together", () => {
    expect(new Set([0, 0.25, 0.5, 0.75].map((random) => backoffMs(3, () => random))).size).toBe(4);
  });
});
