/** Following a run to its end: its events, its state beside them, and a network that comes and goes. */

import { isFinal } from "@/features/runs/lib/events";
import { describeRun } from "@/features/runs/api/describe-run";
import type { RunInput } from "@/features/runs/lib/machine";
import { StreamCut } from "@/features/runs/lib/stream-transport";
import type { Cursor, Transport } from "@/features/runs/lib/transport";
import type { SchemaRun } from "@/shared/api/contract";
import { Offline, Problem } from "@/shared/api/http";
import { backoffMs } from "@/shared/lib/backoff";
import { nap } from "@/shared/lib/nap";

/** Looks between two questions for the state; fewer while there is no log yet. */
const STATE_EVERY = 5;
const STATE_EVERY_EARLY = 2;
/** A stream that fails so often in a row is given up for the log. */
const STREAM_TRIES = 3;

export interface Follow {
  runId: string;
  cursor: Cursor;
  /** The log's transport, and a faster one where there is one. */
  log: Transport;
  stream?: Transport | null;
  signal: AbortSignal;
  /** Milliseconds for which a run that nobody knows may still be starting. */
  patienceMs: number;
  describe?: typeof describeRun;
  pause?: typeof nap;
  now?: () => number;
}

/** Every input of the machine, with the cursor to go on from; ends after the run's end. */
export async function* follow(options: Follow): AsyncGenerator<{ input: RunInput | null; cursor: Cursor }> {
  const { runId, log, signal, patienceMs, describe = describeRun, pause = nap, now = Date.now } = options;
  const began = now();
  let { cursor, stream = null } = options;
  let looks = 0;
  for (let failed = 0; ; ) {
    // A stream is there once the run has said something.
    const live = cursor.lastId > 0 ? stream : null;
    try {
      for await (const look of (live ?? log).looks(cursor, signal)) {
        cursor = look.cursor;
        failed = 0;
        yield { input: { type: "contact", offline: false }, cursor };
        for (const event of look.events) {
          yield { input: { type: "event", event }, cursor };
          if (event.type === "state" && isFinal(event.state)) return;
        }
        looks += 1;
        // What ends a run before it has a log, or kills its worker, is in the state alone.
        if (looks % (cursor.lastId > 0 ? STATE_EVERY : STATE_EVERY_EARLY) === 0) {
          const end = ended(await describe(runId, signal), cursor.lastId > 0 || now() - began <= patienceMs);
          if (end) {
            yield { input: end, cursor };
            return;
          }
        }
        if (!live && stream && cursor.lastId > 0) break;
      }
      // The stream has no more to say, or it begins now: no pause between the two.
      if (live) stream = null;
      continue;
    } catch (error) {
      if (signal.aborted) throw error;
      if (live) {
        if (error instanceof Problem) stream = null; // full, throttled, not there: the log tells the same
        if (error instanceof Problem || error instanceof StreamCut) continue;
      }
      if (error instanceof Problem && error.reason.status === 404) {
        yield { input: GONE, cursor };
        return;
      }
      if (!(error instanceof Offline) && !(error instanceof Problem)) throw error;
      failed += 1;
      if (failed >= STREAM_TRIES) stream = null;
      yield { input: { type: "contact", offline: true }, cursor };
    }
    await pause(backoffMs(failed - 1), signal);
  }
}

const GONE: RunInput = { type: "ended", phase: "expired", problem: null };

/** How a run has ended by what the API says of it; null while it goes on, or may still begin. */
function ended(said: SchemaRun | null, mayBegin: boolean): RunInput | null {
  if (said === null) return mayBegin ? null : GONE;
  return said.state === "running" ? null : { type: "ended", phase: said.state, problem: said.cause ?? null };
}
