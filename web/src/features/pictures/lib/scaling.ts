/** How large a picture is sent. */

import type { Dimensions } from "@/features/pictures/lib/dimensions";

/** Twice the largest painting: more pixels would not be seen. */
export const SIDE_MAX = 2_048;
export const SIDE_MIN = 32;
/** Longer side over shorter side; the painter takes no more. */
export const ASPECT_MAX = 10;
/** Larger pictures are not decoded at all: 100 million pixels are 400 MB. */
export const PIXELS_MAX = 100_000_000;
export const FILE_BYTES_MAX = 60 * 2 ** 20;

/** Whole pixels within `most` on the long side, in the picture's proportions; never larger than it. */
export function fitted({ width, height }: Dimensions, most: number = SIDE_MAX): Dimensions {
  const scale = Math.min(1, most / Math.max(width, height));
  const side = (pixels: number) => Math.min(most, Math.max(1, Math.round(pixels * scale)));
  return { width: side(width), height: side(height) };
}

export type SizeComplaint = "too-large" | "too-many-pixels" | "too-small" | "too-elongated";

/** Why a picture of this size is not taken; null when it is. */
export function sizeComplaint(fileBytes: number, size: Dimensions | null): SizeComplaint | null {
  if (fileBytes > FILE_BYTES_MAX) return "too-large";
  if (size === null) return null;
  if (size.width * size.height > PIXELS_MAX) return "too-many-pixels";
  const [short, long] = [Math.min(size.width, size.height), Math.max(size.width, size.height)];
  if (short < SIDE_MIN) return "too-small";
  return long > ASPECT_MAX * short ? "too-elongated" : null;
}
