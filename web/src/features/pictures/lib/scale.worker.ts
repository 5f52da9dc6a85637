/** Decodes, turns upright and scales pictures beside the page, which stays smooth meanwhile. */

import { fitted } from "@/features/pictures/lib/scaling";

export interface ScaleRequest {
  id: number;
  file: Blob;
}
export type ScaleReply = { id: number; blob: Blob; width: number; height: number } | { id: number; failed: true };

const QUALITY = 0.92;

async function scaled({ id, file }: ScaleRequest): Promise<ScaleReply> {
  // "from-image" is what EXIF says; the pixels that leave here carry no metadata at all.
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = fitted(whole);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) return { id, failed: true };
  context.fillStyle = "#fff"; // where it is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, width, height);
  whole.close();
  return { id, blob: await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY }), width, height };
}

self.onmessage = ({ data }: MessageEvent<ScaleRequest>) => {
  scaled(data).catch(() => ({ id: data.id, failed: true }) as const).then((reply) => { self.postMessage(reply); }, () => undefined);
};
