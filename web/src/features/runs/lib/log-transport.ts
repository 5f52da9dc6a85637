/** Events from the log in the bucket: only what is new, by ETag and range. */

import { parseEvent, wholeLines, type RunEvent } from "@/features/runs/lib/events";
import { FROM_THE_START, type Cursor, type Look, type Transport } from "@/features/runs/lib/transport";
import { nap } from "@/shared/lib/nap";

const POLL_MS = 1_000; // the worker rewrites the log every 2 s at most
const POLL_HIDDEN_MS = 5_000;

/** Gives the log's answer: 200, 206, 304, 416; null while there is no log. */
export type ReadLog = (headers: Record<string, string>) => Promise<Response | null>;

export class LogTransport implements Transport {
  readonly #read: ReadLog;
  readonly #pause: typeof nap;

  constructor(read: ReadLog, pause: typeof nap = nap) {
    this.#read = read;
    this.#pause = pause;
  }

  async *looks(cursor: Cursor, signal: AbortSignal): AsyncGenerator<Look & { cursor: Cursor }> {
    for (let at = cursor; ; ) {
      const look = await this.look(at);
      at = look.cursor;
      yield look;
      await this.#pause(typeof document !== "undefined" && document.hidden ? POLL_HIDDEN_MS : POLL_MS, signal);
    }
  }

  /** What is new after the cursor, and the cursor after it. */
  async look(cursor: Cursor): Promise<Look & { cursor: Cursor }> {
    const headers: Record<string, string> = {};
    if (cursor.etag) headers["If-None-Match"] = cursor.etag;
    if (cursor.offset > 0) headers.Range = `bytes=${cursor.offset}-`;
    const answer = await this.#read(headers);
    if (answer === null || answer.status === 304) return { events: [], cursor };
    // Shorter than what was read: not the log that it was. Ids tell what is new of it.
    if (answer.status === 416) return { events: [], cursor: { ...FROM_THE_START, lastId: cursor.lastId } };
    const from = answer.status === 206 ? cursor.offset : 0;
    const { lines, length } = wholeLines(await answer.text());
    const events = parseAll(lines);
    if (events === null) return { events: [], cursor: { ...FROM_THE_START, lastId: cursor.lastId } };
    const fresh = events.filter((event) => event.id > cursor.lastId);
    const lastId = fresh.at(-1)?.id ?? cursor.lastId;
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")).length;
    return {
      events: fresh,
      cursor: { lastId, offset: from + (length > 0 ? bytes : 0), etag: answer.headers.get("ETag") },
    };
  }
}

/** The events of the lines; null when one is none, as in the middle of another log. */
function parseAll(lines: string[]): RunEvent[] | null {
  try {
    return lines.map(parseEvent).filter((event) => event !== null);
  } catch {
    return null;
  }
}
