import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ceilingOf, sizesOf, verdict } from "@/features/budget/lib/price";
import { boldness, DEFAULTS, QUALITIES, recalled, SCALES, scalePlace, SEED_MAX, seedOf } from "@/features/params/lib/params";
import { curvePoints, HEIGHT, WIDTH } from "@/features/runs/lib/curve";
import { GALLERY } from "@/features/styles/lib/gallery";
import { percentages, shareOf, SHARE_MIN } from "@/features/styles/lib/mix";
import type { SchemaBudget } from "@/shared/api/contract";

const budget = {
  available_microusd: 20_000, run_ceiling_microusd: 9_000, accepting: true,
  ceilings_microusd: { draft: { "256": 9_000, "512": 13_000, "1024": 50_000 }, good: { "256": 12_000, "512": 21_000, "1024": 90_000 }, instant: { "256": 9_000, "512": 9_000, "1024": 9_500 } },
} as unknown as SchemaBudget;

describe("the price", () => {
  it("of a size between two is at most that of the next", () => {
    expect(ceilingOf({ algorithm: "painted", quality: "draft", size: 257 }, budget)).toBe(13_000);
    expect(ceilingOf({ algorithm: "painted", quality: "draft", size: 256 }, budget)).toBe(9_000);
  });
  it("of an instant painting is its own, whatever the quality", () => {
    expect(ceilingOf({ algorithm: "instant", quality: "good", size: 1000 }, budget)).toBe(9_500);
    expect(verdict({ algorithm: "instant", quality: "good", size: 512 }, budget)).toBe("fits");
  });
  it("is not known for a size beyond all, nor without a budget", () => {
    expect(ceilingOf({ algorithm: "painted", quality: "draft", size: 2048 }, budget)).toBeNull();
    expect(ceilingOf({ algorithm: "painted", quality: "draft", size: 256 }, undefined)).toBeNull();
  });
  it("decides with what is left", () => {
    expect(verdict({ algorithm: "painted", quality: "draft", size: 512 }, budget)).toBe("fits");
    expect(verdict({ algorithm: "painted", quality: "good", size: 512 }, budget)).toBe("dear");
    expect(verdict({ algorithm: "painted", quality: "good", size: 256 }, { ...budget, accepting: false })).toBe("closed");
    expect(verdict({ algorithm: "painted", quality: "good", size: 256 }, undefined)).toBe("unknown");
  });
  it("is there for these sizes", () => {
    expect(sizesOf(budget)).toEqual([256, 512, 1024]);
    expect(sizesOf(undefined)).toEqual([]);
  });
});

describe("the mix", () => {
  const shares = fc.array(fc.double({ min: SHARE_MIN, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 });
  it("adds up to 100, and is off by less than one", () => {
    fc.assert(fc.property(shares, (given) => {
      const parts = percentages(given);
      const total = given.reduce((a, b) => a + b, 0);
      expect(parts.reduce((a, b) => a + b, 0)).toBe(100);
      parts.forEach((part, place) => { expect(Math.abs(part - (100 * (given[place] ?? 0)) / total)).toBeLessThan(1); });
    }));
  });
  it("takes shares that the contract takes", () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (value) => {
      expect(shareOf(value)).toBeGreaterThanOrEqual(0.01);
      expect(shareOf(value)).toBeLessThanOrEqual(1);
    }));
  });
});

describe("parameters", () => {
  it("take any typed seed within the contract's bounds", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.double().map(String)), (typed) => {
      const seed = seedOf(typed);
      expect(Number.isInteger(seed)).toBe(true);
      expect(seed).toBeGreaterThanOrEqual(0);
      expect(seed).toBeLessThanOrEqual(SEED_MAX);
    }));
  });
  it("that were chosen before there were others are gone on with", () => {
    const older = { algorithm: "painted", size: 512, quality: "good", strength: 1, seed: 0 } as const;
    expect(recalled({ ...older, size: 256, keep_colours: true })).toEqual({ ...DEFAULTS, size: 256, colours: "photo" });
    expect(recalled({ ...older, keep_colours: false })).toEqual(DEFAULTS);
    expect(recalled({ ...DEFAULTS, colours: "palette" })).toEqual({ ...DEFAULTS, colours: "palette" });
  });
  it("have a place among the strokes for any scale", () => {
    SCALES.forEach((scale, place) => { expect(scalePlace(scale)).toBe(place); });
    expect(scalePlace(1.2)).toBe(3);
    expect(scalePlace(1.15)).toBe(2);
    expect([SCALES[0], SCALES[SCALES.length - 1]]).toEqual([0.5, 2]);
  });
  it("begin in the middle", () => {
    expect(QUALITIES).toContain(DEFAULTS.quality);
    expect(boldness(DEFAULTS.strength)).toBe(2);
  });
});

describe("the loss curve", () => {
  it("stays within its frame, whatever the losses", () => {
    const loss = fc.record({ step: fc.nat(5_000), loss: fc.double() });
    fc.assert(fc.property(fc.array(loss, { maxLength: 50 }), (losses) => {
      for (const point of curvePoints(losses).split(" ").filter(Boolean)) {
        const [x, y] = point.split(",").map(Number);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(WIDTH);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(HEIGHT);
      }
    }));
  });
  it("falls to the right", () => {
    expect(curvePoints([{ step: 1, loss: 1 }, { step: 2, loss: 0.1 }])).toBe(`0.0,0.0 ${WIDTH}.0,${HEIGHT}.0`);
  });
});

describe("the gallery", () => {
  it("has house styles with a picture each", () => {
    expect(GALLERY.length).toBeGreaterThanOrEqual(4);
    for (const { thumbnail } of GALLERY) expect(thumbnail).toMatch(/^\/gallery\/[a-z-]+\.jpg$/);
  });
});
