/** What a run looks like to its visitor, as a function of what has happened. Pure. */

import { isFinal, type ProgressEvent, type RunEvent } from "@/features/runs/lib/events";
import type { Reason } from "@/shared/api/http";

export type Phase =
  | "uploading"
  | "starting"
  | "checking"
  | "running"
  | "finishing"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "expired";

export interface Loss {
  step: number;
  loss: number;
}

export interface RunState {
  phase: Phase;
  /** Stop was asked for; the phase goes on until the run says that it is over. */
  stopping: boolean;
  offline: boolean;
  /** Share of the uploads that is sent, 0 to 1. */
  uploaded: number;
  /** Id of the newest event that was seen. */
  lastId: number;
  step: number;
  steps: number;
  size: number;
  etaS: number | null;
  losses: readonly Loss[];
  /** Version of the newest preview. */
  preview: number;
  /** The painting is what there was when the time was up. */
  early: boolean;
  problem: Reason | null;
}

export type RunInput =
  | { type: "event"; event: RunEvent }
  | { type: "uploaded"; fraction: number }
  | { type: "started" }
  | { type: "stop" }
  | { type: "stop-failed" }
  | { type: "contact"; offline: boolean }
  /** How it ended, from elsewhere than the log. */
  | { type: "ended"; phase: "succeeded" | "failed" | "cancelled" | "expired"; problem: Reason | null };

export const LOSSES_MAX = 400;

export const UPLOADING: RunState = {
  phase: "uploading", stopping: false, offline: false, uploaded: 0, lastId: 0,
  step: 0, steps: 0, size: 0, etaS: null, losses: [], preview: 0, early: false, problem: null,
};
export const STARTING: RunState = { ...UPLOADING, phase: "starting", uploaded: 1 };

/** Whether the run is over. */
export const isOver = (state: RunState): boolean => isFinal(state.phase) || state.phase === "expired";

/** The state after an input. A run that is over stays as it is; an event counts once. */
export function advance(state: RunState, input: RunInput): RunState {
  if (isOver(state)) return state;
  switch (input.type) {
    case "uploaded":
      return state.phase === "uploading" ? { ...state, uploaded: Math.max(state.uploaded, Math.min(1, input.fraction)) } : state;
    case "started":
      return state.phase === "uploading" ? { ...state, phase: "starting", uploaded: 1 } : state;
    case "stop":
      return { ...state, stopping: true };
    case "stop-failed":
      return { ...state, stopping: false };
    case "contact":
      return state.offline === input.offline ? state : { ...state, offline: input.offline };
    case "ended":
      return { ...state, phase: input.phase, problem: input.problem ?? state.problem, offline: false, stopping: false, etaS: null };
    case "event":
      return input.event.id > state.lastId ? happened({ ...state, offline: false, lastId: input.event.id }, input.event) : state;
  }
}

function happened(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "state": {
      const problem = event.problem ?? state.problem;
      const over = isFinal(event.state) ? { stopping: false, etaS: null } : {};
      return { ...state, phase: event.state, steps: event.steps ?? state.steps, problem, ...over };
    }
    case "progress":
      return {
        ...state, phase: "running", step: event.step, steps: event.steps, size: event.size, etaS: event.eta_s,
        losses: withLoss(state.losses, event),
      };
    case "preview":
      return { ...state, preview: Math.max(state.preview, event.version) };
    case "result":
      return { ...state, phase: "finishing", early: event.stopped_early, etaS: null };
  }
}

/** The curve with one more point; when it gets long, every other point goes. */
function withLoss(losses: readonly Loss[], { step, loss }: ProgressEvent): readonly Loss[] {
  const longer = [...losses, { step, loss }];
  return longer.length <= LOSSES_MAX ? longer : longer.filter((_, place) => place % 2 === 1);
}
