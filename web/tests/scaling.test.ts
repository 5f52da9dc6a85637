import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ASPECT_MAX, fitted, FILE_BYTES_MAX, PIXELS_MAX, SIDE_MAX, SIDE_MIN, sizeComplaint } from "@/features/pictures/lib/scaling";

const side = fc.integer({ min: 1, max: 60_000 });

describe("scaling", () => {
  it("keeps a picture within the most, and never enlarges it", () => {
    fc.assert(fc.property(side, side, (width, height) => {
      const small = fitted({ width, height });
      expect(Math.max(small.width, small.height)).toBeLessThanOrEqual(SIDE_MAX);
      expect(small.width).toBeGreaterThanOrEqual(1);
      expect(small.height).toBeGreaterThanOrEqual(1);
      expect(small.width).toBeLessThanOrEqual(width);
      expect(small.height).toBeLessThanOrEqual(height);
    }));
  });

  it("fills the long side of a picture that is larger", () => {
    fc.assert(fc.property(fc.integer({ min: SIDE_MAX, max: 60_000 }), side, (long, short) => {
      const small = fitted({ width: long, height: Math.min(short, long) });
      expect(Math.max(small.width, small.height)).toBe(SIDE_MAX);
    }));
  });

  it("keeps the proportions to the rounding of a pixel", () => {
    fc.assert(fc.property(fc.integer({ min: SIDE_MIN, max: 20_000 }), fc.integer({ min: SIDE_MIN, max: 20_000 }), (width, height) => {
      fc.pre(Math.max(width, height) <= ASPECT_MAX * Math.min(width, height));
      const small = fitted({ width, height });
      const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
      expect(Math.abs(small.width - width * scale)).toBeLessThanOrEqual(0.5);
      expect(Math.abs(small.height - height * scale)).toBeLessThanOrEqual(0.5);
    }));
  });

  it("leaves a picture that is small enough as it is", () => {
    expect(fitted({ width: 2048, height: 1 })).toEqual({ width: 2048, height: 1 });
  });
});

describe("sizes that are not taken", () => {
  it.each([
    [FILE_BYTES_MAX + 1, { width: 100, height: 100 }, "too-large"],
    [1, { width: 1, height: 1 }, "too-small"],
    [1, { width: 5_000, height: SIDE_MIN - 1 }, "too-small"],
    [1, { width: 20_000, height: 20_000 }, "too-many-pixels"],
    [1, { width: 20_000, height: 1_999 }, "too-elongated"],
    [1, { width: 20_000, height: 2_000 }, null],
    [FILE_BYTES_MAX, null, null],
  ] as const)("%i bytes, %o: %s", (bytes, size, why) => {
    expect(sizeComplaint(bytes, size)).toBe(why);
  });

  it("is never a picture that would be decoded beyond the most pixels", () => {
    fc.assert(fc.property(side, side, (width, height) => {
      if (sizeComplaint(1, { width, height }) === null) expect(width * height).toBeLessThanOrEqual(PIXELS_MAX);
    }));
  });
});
