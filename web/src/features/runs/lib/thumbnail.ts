const SIDE = 320;

/** A small JPEG of a picture; null when it cannot be read. */
export async function thumbnail(picture: Blob): Promise<Blob | null> {
  try {
    const whole = await createImageBitmap(picture);
    const scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(whole.width * scale)), Math.max(1, Math.round(whole.height * scale)));
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.imageSmoothingQuality = "high";
    context.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.82 });
  } catch {
    return null;
  }
}

/** The picture as a JPEG, on white where it is transparent. */
export async function asJpeg(picture: Blob): Promise<Blob> {
  const whole = await createImageBitmap(picture);
  const canvas = new OffscreenCanvas(whole.width, whole.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(whole, 0, 0);
  whole.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.93 });
}
