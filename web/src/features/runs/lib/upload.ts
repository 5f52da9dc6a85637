/** A picture on its way into the bucket. */

import type { SchemaPresignedPost } from "@/shared/api/contract";
import { Offline, Problem } from "@/shared/api/http";
import { backoffMs } from "@/shared/lib/backoff";
import { nap } from "@/shared/lib/nap";

const TIMEOUT_MS = 300_000;
const ATTEMPTS = 5;

/** Sends a form once; `onProgress` gets 0 to 1. */
export type Send = (post: SchemaPresignedPost, blob: Blob, onProgress: (fraction: number) => void, signal: AbortSignal) => Promise<{ status: number; text: string }>;

const sendForm: Send = (post, blob, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
    form.append("file", blob, "picture"); // S3 wants the file last; the visitor's name for it stays here
    const xhr = new XMLHttpRequest(); // fetch does not tell how much it has sent
    xhr.open("POST", post.url);
    xhr.timeout = TIMEOUT_MS;
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    xhr.onload = () => { resolve({ status: xhr.status, text: xhr.responseText }); };
    xhr.onerror = xhr.ontimeout = () => { reject(new Offline("upload")); };
    const drop = () => {
      xhr.abort();
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      drop();
      return;
    }
    signal.addEventListener("abort", drop, { once: true });
    xhr.send(form);
  });

/** Send one picture, again after losses; repeating is harmless, since the key is fixed. */
export async function upload(
  post: SchemaPresignedPost,
  blob: Blob,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
  { send = sendForm, pause = nap }: { send?: Send; pause?: typeof nap } = {},
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const last = attempt >= ATTEMPTS - 1;
    try {
      const { status, text } = await send(post, blob, onProgress, signal);
      if (status >= 200 && status < 300) return;
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? "";
      if (last || status < 500) throw new Problem(status, { code: "upload-refused", title: "", detail: code });
    } catch (error) {
      if (last || !(error instanceof Offline)) throw error;
    }
    onProgress(0);
    await pause(backoffMs(attempt), signal);
  }
}

/** Total progress of several files, by their sizes: give it each file's own fraction. */
export function weighed(sizes: readonly number[], tell: (fraction: number) => void): (place: number, fraction: number) => void {
  const total = sizes.reduce((sum, size) => sum + size, 0) || 1;
  const sent = sizes.map(() => 0);
  return (place, fraction) => {
    sent[place] = fraction * (sizes[place] ?? 0);
    tell(sent.reduce((sum, bytes) => sum + bytes, 0) / total);
  };
}
