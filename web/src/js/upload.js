// Pictures: what they are, how they look small, and their way into the bucket.

import { Offline, Problem, pause } from "./api.js";
import { texts } from "./texts.js";

const TIMEOUT_MS = 300_000;
const ATTEMPTS = 3;
const KEPT_SIDE = 1024; // of the photo that is kept for the before-and-after slider

const SIGNATURES = [
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
];

/** The type of a picture by its first bytes (names lie); null for kinds that are not taken. */
export async function contentType(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const found = SIGNATURES.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (found) return found[0];
  const ascii = String.fromCharCode(...head);
  return ascii.startsWith("RIFF") && ascii.slice(8) === "WEBP" ? "image/webp" : null;
}

/** A small JPEG of a picture as a data URL, upright; null when the browser cannot show it. */
export async function small(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, KEPT_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return canvas.toDataURL("image/jpeg", 0.82);
  } catch {
    return null; // broken, or larger than the browser decodes: the worker has the last word
  }
}

function send(post, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
    form.append("file", file); // S3 wants the file last
    const xhr = new XMLHttpRequest(); // fetch does not tell how much it has sent
    xhr.open("POST", post.url);
    xhr.timeout = TIMEOUT_MS;
    xhr.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    xhr.onload = () => resolve(xhr);
    xhr.onerror = xhr.ontimeout = () => reject(new Offline("upload"));
    signal.addEventListener("abort", () => {
      xhr.abort();
      reject(signal.reason);
    }, { once: true });
    xhr.send(form);
  });
}

/** Send one picture; `onProgress` gets 0 to 1. Repeating is harmless: the key is fixed. */
export async function upload(post, file, onProgress, signal) {
  for (let tried = 1; ; tried += 1) {
    try {
      const answer = await send(post, file, onProgress, signal);
      if (answer.status >= 200 && answer.status < 300) return;
      const code = /<Code>(\w+)<\/Code>/.exec(answer.responseText)?.[1] ?? "";
      if (answer.status < 500 || tried === ATTEMPTS) {
        throw new Problem(answer.status, { title: texts.ended.failed, detail: `${file.name}: ${code || answer.status}` });
      }
    } catch (error) {
      if (!(error instanceof Offline) || tried === ATTEMPTS) throw error;
    }
    await pause(Math.random() * 1000 * tried, signal);
  }
}
