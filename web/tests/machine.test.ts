import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { RunEvent } from "@/features/runs/lib/events";
import { advance, isOver, LOSSES_MAX, STARTING, UPLOADING, type RunInput, type RunState } from "@/features/runs/lib/machine";
import { logs } from "./events";

const heard = (state: RunState, events: readonly RunEvent[]) =>
  events.reduce((before, event) => advance(before, { type: "event", event }), state);

const inputs: fc.Arbitrary<RunInput> = fc.oneof(
  fc.record({ type: fc.constant("uploaded" as const), fraction: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.constantFrom<RunInput>({ type: "started" }, { type: "stop" }, { type: "stop-failed" }),
  fc.record({ type: fc.constant("contact" as const), offline: fc.boolean() }),
);

describe("a run's state", () => {
  it("is the same however the log is cut, and however often a piece of it comes", () => {
    fc.assert(fc.property(logs, fc.nat(), fc.nat(), (log, cut, again) => {
      const at = cut % (log.length + 1);
      const from = again % (at + 1);
      expect(heard(heard(STARTING, log.slice(0, at)), log.slice(from))).toEqual(heard(STARTING, log));
    }));
  });

  it("ends as the log says, and stays so", () => {
    fc.assert(fc.property(logs, fc.array(inputs), (log, more) => {
      const end = heard(STARTING, log);
      expect(isOver(end)).toBe(true);
      expect(end.phase).toBe((log.at(-1) as { state: string }).state);
      expect(more.reduce(advance, end)).toBe(end);
      expect(advance(end, { type: "ended", phase: "expired", problem: null })).toBe(end);
    }));
  });

  it("keeps what else happens between two lines apart from the log", () => {
    fc.assert(fc.property(logs, inputs, fc.nat(), (log, input, place) => {
      const at = place % log.length;
      const disturbed = heard(advance(heard(STARTING, log.slice(0, at)), input), log.slice(at));
      expect({ ...disturbed, offline: false, stopping: false }).toEqual({ ...heard(STARTING, log), offline: false, stopping: false });
    }));
  });

  it("never sends less than was sent", () => {
    fc.assert(fc.property(fc.array(inputs), (given) => {
      let state = UPLOADING;
      for (const input of given) {
        const next = advance(state, input);
        expect(next.uploaded).toBeGreaterThanOrEqual(state.uploaded);
        expect(next.uploaded).toBeLessThanOrEqual(1);
        state = next;
      }
    }));
  });

  it("says why it failed", () => {
    const state = advance(STARTING, { type: "event", event: { id: 1, at: "", type: "state", state: "failed", problem: { status: 422, code: "picture-refused", title: "", detail: "Cut off." } } });
    expect(state.problem?.detail).toBe("Cut off.");
  });

  it("is being stopped until it is over or the stop was not taken", () => {
    const stopping = advance(STARTING, { type: "stop" });
    expect(stopping.stopping).toBe(true);
    expect(advance(stopping, { type: "stop-failed" }).stopping).toBe(false);
    expect(advance(stopping, { type: "ended", phase: "cancelled", problem: null }).stopping).toBe(false);
  });

  it("keeps a bounded curve, however long the run", () => {
    const events = Array.from({ length: 5_000 }, (_, place): RunEvent => ({
      id: place + 1, at: "", type: "progress", step: place + 1, steps: 5_000, size: 64, loss: 1 / (place + 1), style_loss: 0, content_loss: 0, elapsed_s: 0, eta_s: 0,
    }));
    const { losses } = heard(STARTING, events);
    expect(losses.length).toBeLessThanOrEqual(LOSSES_MAX);
    expect(losses.at(-1)?.step).toBe(5_000);
    expect(losses.map(({ step }) => step)).toEqual(losses.map(({ step }) => step).toSorted((a, b) => a - b));
  });
});
