import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { follow, type Follow } from "@/features/runs/lib/follow";
import { advance, STARTING, type RunState } from "@/features/runs/lib/machine";
import { StreamCut } from "@/features/runs/lib/stream-transport";
import { FROM_THE_START, type Cursor, type Transport } from "@/features/runs/lib/transport";
import type { RunEvent } from "@/features/runs/lib/events";
import { Offline, Problem } from "@/shared/api/http";
import { logs } from "./events";

const never = new AbortController().signal;
const at = (lastId: number): Cursor => ({ ...FROM_THE_START, lastId });

/** Gives a log piece by piece, by ids; `breaks[n]` throws before the nth look. */
function transport(log: readonly RunEvent[], piece: number, breaks: ReadonlySet<number> = new Set()): Transport {
  let look = 0;
  return {
    async *looks(cursor) {
      for (let { lastId } = cursor; ; ) {
        await Promise.resolve();
        look += 1;
        if (breaks.has(look)) throw new Offline("cut");
        const events = log.filter(({ id }) => id > lastId).slice(0, piece);
        lastId = events.at(-1)?.id ?? lastId;
        yield { events, cursor: at(lastId) };
      }
    },
  };
}

async function end(options: Partial<Follow> & Pick<Follow, "log">): Promise<{ state: RunState; pauses: number; cursor: Cursor }> {
  let state = STARTING;
  let pauses = 0;
  let cursor = FROM_THE_START;
  const given: Follow = {
    runId: "0".repeat(32), cursor: FROM_THE_START, signal: never, patienceMs: 0, describe: () => Promise.resolve(null),
    pause: () => { pauses += 1; return Promise.resolve(); }, ...options,
  };
  for await (const told of follow(given)) {
    if (told.input) state = advance(state, told.input);
    cursor = told.cursor;
  }
  return { state, pauses, cursor };
}

const whole = (log: readonly RunEvent[]) => log.reduce((state, event) => advance(state, { type: "event", event }), STARTING);

describe("following a run", () => {
  it("comes to the log's end, wherever the network breaks", async () => {
    await fc.assert(fc.asyncProperty(logs, fc.integer({ min: 1, max: 5 }), fc.uniqueArray(fc.integer({ min: 1, max: 20 })), async (log, piece, breaks) => {
      const { state } = await end({ log: transport(log, piece, new Set(breaks)) });
      expect(state).toEqual(whole(log));
    }));
  });

  it("goes on from a cursor that was kept, and hears nothing twice", async () => {
    await fc.assert(fc.asyncProperty(logs, fc.nat(), async (log, cut) => {
      const kept = cut % log.length;
      const before = log.slice(0, kept).reduce((state, event) => advance(state, { type: "event", event }), STARTING);
      let state = before;
      for await (const { input } of follow({ runId: "", cursor: at(kept), log: transport(log, 3), signal: never, patienceMs: 0, describe: () => Promise.resolve(null) })) {
        if (input?.type === "event") expect(input.event.id).toBeGreaterThan(kept);
        if (input) state = advance(state, input);
      }
      expect(state).toEqual(whole(log));
    }));
  });

  it("hears from the state of a run that ended without a log", async () => {
    const cause = { type: "urn:nst:problem:no-capacity", title: "", status: 503, detail: "", code: "no-capacity" };
    const { state } = await end({ log: transport([], 1), describe: () => Promise.resolve({ run_id: "", state: "failed", cause, started_at: 1, stopped_at: 2 }) });
    expect(state.phase).toBe("failed");
    expect(state.problem?.code).toBe("no-capacity");
  });

  it("is patient with a run that nobody knows yet, and then gives it up", async () => {
    let now = 0;
    let asked = 0;
    const { state } = await end({
      log: transport([], 1), patienceMs: 1_000, now: () => (now += 100), describe: () => { asked += 1; return Promise.resolve(null); },
    });
    expect(state.phase).toBe("expired");
    expect(asked).toBeGreaterThan(5);
  });

  it("says that a run is gone when its links are", async () => {
    const log: Transport = { looks: async function* () { await Promise.reject(new Problem(404, { code: "run-not-found" })); yield* []; } };
    expect((await end({ log })).state.phase).toBe("expired");
  });

  const log: RunEvent[] = [
    { id: 1, at: "", type: "state", state: "starting" },
    { id: 2, at: "", type: "state", state: "running" },
    { id: 3, at: "", type: "state", state: "cancelled" },
  ];

  it("hears the first word from the log, and the rest from the stream where there is one", async () => {
    const heard: number[] = [];
    const stream: Transport = {
      looks: async function* (cursor) {
        await Promise.resolve();
        for (const event of log.filter(({ id }) => id > cursor.lastId)) {
          heard.push(event.id);
          yield { events: [event], cursor: at(event.id) };
        }
      },
    };
    const { state, pauses } = await end({ log: transport(log, 1), stream });
    expect(state.phase).toBe("cancelled");
    expect(heard).toEqual([2, 3]);
    expect(pauses).toBe(0);
  });

  it("asks a stream that was cut for the rest", async () => {
    const asked: number[] = [];
    const stream: Transport = {
      looks: async function* ({ lastId }) {
        await Promise.resolve();
        asked.push(lastId);
        yield { events: log.slice(lastId, lastId + 1), cursor: at(lastId + 1) };
        throw new StreamCut();
      },
    };
    expect((await end({ log: transport(log, 1), stream })).state.phase).toBe("cancelled");
    expect(asked).toEqual([1, 2]);
  });

  it.each([
    ["keeps failing", new Offline("refused"), 3],
    ["is full or not there", new Problem(503), 1],
  ] as [string, Error, number][])("leaves a stream that %s for the log", async (_, error, tries) => {
    let tried = 0;
    const stream: Transport = { looks: async function* () { tried += 1; await Promise.reject(error); yield* []; } };
    const { state } = await end({ log: transport(log, 1), stream });
    expect(state.phase).toBe("cancelled");
    expect(tried).toBe(tries);
  });

  it("ends at once when nobody listens any more", async () => {
    const abort = new AbortController();
    const told = follow({ runId: "", cursor: FROM_THE_START, log: transport([], 1), signal: abort.signal, patienceMs: 1e9, describe: () => { abort.abort(new Error("left")); return Promise.reject(abort.signal.reason as Error); } });
    await expect(async () => { for await (const { cursor } of told) expect(cursor).toEqual(FROM_THE_START); }).rejects.toThrow("left");
  });
});
