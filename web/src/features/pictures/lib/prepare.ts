/** From a file that a visitor gives to a picture that can be sent. */

import { dimensions } from "@/features/pictures/lib/dimensions";
import type { ScaleReply, ScaleRequest } from "@/features/pictures/lib/scale.worker";
import { sizeComplaint, type SizeComplaint } from "@/features/pictures/lib/scaling";
import { HEAD_BYTES, isTaken, sniff, type Known } from "@/features/pictures/lib/sniff";
import type { Picture } from "@/shared/lib/pixels";

/** Headers of photographs can be long: thumbnails and colour profiles come first. */
const HEADER_BYTES = 1_048_576;

export type Complaint = { why: "kind"; kind: Known } | { why: SizeComplaint | "broken" | "empty" };

/** A file is not taken; the complaint says why. */
export class Refused extends Error {
  constructor(readonly complaint: Complaint, readonly fileName: string) {
    super(complaint.why);
  }
}

let worker: Worker | null = null;
let count = 0;
const waiting = new Map<number, (reply: ScaleReply) => void>();

function scale(file: Blob): Promise<ScaleReply> {
  worker ??= started();
  const request: ScaleRequest = { id: (count += 1), file };
  return new Promise((resolve) => {
    waiting.set(request.id, resolve);
    worker?.postMessage(request);
  });
}

function started(): Worker {
  const made = new Worker(new URL("./scale.worker.ts", import.meta.url), { type: "module" });
  made.onmessage = ({ data }: MessageEvent<ScaleReply>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  };
  // It ran out of memory, say: what waits has failed, and the next picture gets a new one.
  made.onerror = () => {
    made.terminate();
    worker = null;
    for (const [id, reply] of waiting) reply({ id, failed: true });
    waiting.clear();
  };
  return made;
}

/** Whether the file can be taken, by its size and first bytes; throws `Refused`. */
export async function check(file: File): Promise<void> {
  const refuse = (complaint: Complaint) => new Refused(complaint, file.name);
  if (file.size === 0) throw refuse({ why: "empty" });
  const kind = sniff(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (!isTaken(kind)) throw refuse({ why: "kind", kind });
  const header = new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
  const why = sizeComplaint(file.size, dimensions(kind, header));
  if (why) throw refuse({ why });
}

/** The picture of a file, upright, scaled and without metadata; throws `Refused`. */
export async function prepare(file: File): Promise<Picture> {
  await check(file);
  const reply = await scale(file);
  if ("failed" in reply) throw new Refused({ why: "broken" }, file.name);
  const { blob, width, height } = reply;
  return { id: crypto.randomUUID(), blob, name: file.name, width, height };
}
