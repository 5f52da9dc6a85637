/** Following a run to its end: its events, its state beside them, and a network that comes and goes. */

import { isFinal } from "@/features/runs/lib/events";
import { describeRun } from "@/features/runs/api/describe-run";
import type { RunInput } from "@/features/runs/lib/machine";
import type { Cursor, Transport } from "@/features/runs/lib/transport";
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
  for (let failed = 0; ; failed += 1) {
    try {
      for await (const look of (stream ?? log).looks(cursor, signal)) {
        cursor = look.cursor;
        failed = -1;
        yield { input: { type: "contact", offline: false }, cursor };
        for (const event of look.events) {
          yield { input: { type: "event", event }, cursor };
          if (event.type === "state" && isFinal(event.state)) return;
        }
        looks += 1;
        // What ends a run before it has a log, or kills its worker, is in the state alone.
        if (looks % (cursor.lastId > 0 ? STATE_EVERY : STATE_EVERY_EARLY) !== 0) continue;
        const said = await describe(runId, signal);
        if (said === null && cursor.lastId === 0 && now() - began > patienceMs) {
          yield { input: { type: "ended", phase: "expired", problem: null }, cursor };
          return;
        }
        if (said && said.state !== "running") {
          yield { input: { type: "ended", phase: said.state, problem: said.cause ?? null }, cursor };
          return;
        }
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof Problem && error.reason.status === 404) {
        yield { input: { type: "ended", phase: "expired", problem: null }, cursor };
        return;
      }
      if (!(error instanceof Offline) && !(error instanceof Problem)) throw error;
      if (stream && failed + 1 >= STREAM_TRIES) stream = null;
      yield { input: { type: "contact", offline: true }, cursor };
    }
    await pause(backoffMs(Math.max(0, failed)), signal);
  }
}
