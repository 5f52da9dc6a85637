/** How a run's events reach the page. The log is the truth; a stream is a faster way to the same. */

import type { RunEvent } from "@/features/runs/lib/events";

/** One look: what is new since the last one (perhaps nothing). */
export interface Look {
  events: RunEvent[];
}

/** Where a reader stands in the log, so that it can go on there after a reload. */
export interface Cursor {
  lastId: number;
  /** Bytes of whole lines that were read. */
  offset: number;
  etag: string | null;
}

export const FROM_THE_START: Cursor = { lastId: 0, offset: 0, etag: null };

/**
 * Looks without end, each after a pause of the transport's own; the reader ends it. Throws `Offline`
 * or `Problem` as they come: whoever reads decides how often to try again, and from which cursor.
 */
export interface Transport {
  looks(cursor: Cursor, signal: AbortSignal): AsyncGenerator<Look & { cursor: Cursor }>;
}
