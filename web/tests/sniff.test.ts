import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { dimensions } from "@/features/pictures/lib/dimensions";
import { isTaken, sniff } from "@/features/pictures/lib/sniff";
import { contentTypeValues } from "@/shared/api/contract";

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : part)));
const be16 = (value: number) => [value >>> 8, value & 255];
const be32 = (value: number) => [...be16(value >>> 16), ...be16(value & 0xffff)];
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

describe("what a file is", () => {
  it.each([
    ["jpeg", bytes([0xff, 0xd8, 0xff, 0xe0])],
    ["png", bytes(PNG)],
    ["webp", bytes("RIFF", [0, 0, 0, 0], "WEBPVP8 ")],
    ["gif", bytes("GIF89a")],
    ["heic", bytes([0, 0, 0, 24], "ftypheic")],
    ["avif", bytes([0, 0, 0, 24], "ftypavif")],
    ["video", bytes([0, 0, 0, 24], "ftypmp42")],
    ["pdf", bytes("%PDF-1.7")],
    ["svg", bytes("\n <svg onload='alert(1)'>")],
    ["svg", bytes("<?xml version='1.0'?><svg/>")],
    ["html", bytes("<!doctype html><title>x</title>")],
    ["html", bytes("<script>alert(1)</script>")],
    ["unknown", bytes("hello")],
    ["unknown", bytes()],
    ["unknown", bytes("RIFF", [0, 0, 0, 0], "WAVE")],
  ])("%s", (kind, head) => {
    expect(sniff(head)).toBe(kind);
  });

  it("takes what the API takes", () => {
    expect(contentTypeValues.map((type) => type.replace("image/", "")).sort()).toEqual(
      (["jpeg", "png", "webp", "gif", "heic", "avif", "svg", "html", "pdf", "video", "unknown"] as const).filter(isTaken).sort(),
    );
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (head) => {
      expect(typeof sniff(head)).toBe("string");
      for (const kind of ["jpeg", "png", "webp"] as const) {
        const found = dimensions(kind, head);
        if (found) expect(Math.min(found.width, found.height)).toBeGreaterThan(0);
      }
    }));
  });
});

const size = fc.integer({ min: 1, max: 16_000 });

describe("what a header says", () => {
  it("PNG", () => {
    fc.assert(fc.property(size, size, (width, height) => {
      expect(dimensions("png", bytes(PNG, be32(13), "IHDR", be32(width), be32(height)))).toEqual({ width, height });
    }));
  });

  it("JPEG, behind segments of any length", () => {
    fc.assert(fc.property(size, size, fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 4 }), fc.constantFrom(0xc0, 0xc1, 0xc2), (width, height, before, frame) => {
      const segments = before.flatMap((data) => [0xff, 0xe1, ...be16(data.length + 2), ...data]);
      const head = bytes([0xff, 0xd8], segments, [0xff, 0xc4, 0, 2], [0xff, frame, 0, 17, 8], be16(height), be16(width), [3]);
      expect(dimensions("jpeg", head)).toEqual({ width, height });
    }));
  });

  it("WebP: lossy, lossless, extended", () => {
    fc.assert(fc.property(size, size, (width, height) => {
      const le = (value: number, count: number) => Array.from({ length: count }, (_, at) => (value >>> (8 * at)) & 255);
      const riff = (chunk: string, data: number[]) => bytes("RIFF", [0, 0, 0, 0], "WEBP", chunk, [0, 0, 0, 0], data);
      expect(dimensions("webp", riff("VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, ...le(width, 2), ...le(height, 2)]))).toEqual({ width, height });
      expect(dimensions("webp", riff("VP8X", [0, 0, 0, 0, ...le(width - 1, 3), ...le(height - 1, 3)]))).toEqual({ width, height });
      const bits = ((width - 1) & 0x3fff) | (((height - 1) & 0x3fff) << 14);
      expect(dimensions("webp", riff("VP8L", [0x2f, ...le(bits, 4)]))).toEqual({ width, height });
    }));
  });

  it("nothing, when the file is cut before it", () => {
    expect(dimensions("png", bytes(PNG))).toBeNull();
    expect(dimensions("jpeg", bytes([0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff]))).toBeNull();
  });
});
