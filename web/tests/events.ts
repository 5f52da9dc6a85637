/** Logs of runs, as any worker might write them. */

import fc from "fast-check";

import type { RunEvent } from "@/features/runs/lib/events";

const AT = "2026-11-23T12:00:00.000Z";
const fraction = fc.double({ min: 0.001, max: 1, noNaN: true });

/** Events with ids from 1, without gaps; the last one is a final state. */
export const logs: fc.Arbitrary<RunEvent[]> = fc
  .record({
    steps: fc.integer({ min: 1, max: 30 }),
    losses: fc.array(fraction, { minLength: 1, maxLength: 30 }),
    previews: fc.boolean(),
    end: fc.constantFrom("succeeded" as const, "failed" as const, "cancelled" as const),
  })
  .map(({ steps, losses, previews, end }) => {
    const told: RunEvent[] = [];
    const tell = (event: object) => told.push({ id: told.length + 1, at: AT, ...event } as RunEvent);
    for (const state of ["starting", "checking", "running"]) tell({ type: "state", state, ...(state === "running" && { steps }) });
    losses.slice(0, steps).forEach((loss, place) => {
      tell({ type: "progress", step: place + 1, steps, size: 128, loss, style_loss: loss, content_loss: 0, elapsed_s: place, eta_s: steps - place });
      if (previews && place % 3 === 0) tell({ type: "preview", key: "runs/x/preview.jpg", version: place / 3 + 1 });
    });
    if (end === "succeeded") tell({ type: "result", key: "runs/x/result.png", stopped_early: false });
    tell({ type: "state", state: end, ...(end === "failed" && { problem: { status: 422, code: "picture-refused", title: "A", detail: "b" } }) });
    return told;
  });

export const textOf = (events: readonly RunEvent[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");
