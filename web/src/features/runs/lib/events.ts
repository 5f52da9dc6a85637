/** The event log of a run, line by line (docs/contracts.md, "Event log"). */

import type { Reason } from "@/shared/api/http";

export type LogState = "starting" | "checking" | "running" | "succeeded" | "failed" | "cancelled";

interface Line {
  id: number;
  at: string;
}
export interface StateEvent extends Line {
  type: "state";
  state: LogState;
  steps?: number;
  problem?: Reason;
}
export interface ProgressEvent extends Line {
  type: "progress";
  step: number;
  steps: number;
  size: number;
  loss: number;
  style_loss: number;
  content_loss: number;
  elapsed_s: number;
  eta_s: number;
}
export interface PreviewEvent extends Line {
  type: "preview";
  key: string;
  version: number;
}
export interface ResultEvent extends Line {
  type: "result";
  key: string;
  stopped_early: boolean;
}
export type RunEvent = StateEvent | ProgressEvent | PreviewEvent | ResultEvent;

const TYPES = new Set(["state", "progress", "preview", "result"]);
const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** Whether nothing comes after this state. */
export const isFinal = (state: string): boolean => FINAL.has(state);

/** An event of this line; null for kinds that this client does not know (logs outlive code). */
export function parseEvent(line: string): RunEvent | null {
  const document = JSON.parse(line) as { id?: unknown; type?: unknown } | null;
  if (typeof document?.id !== "number" || typeof document.type !== "string") throw new SyntaxError(`not an event: ${line.slice(0, 80)}`);
  return TYPES.has(document.type) ? (document as RunEvent) : null;
}

/** The whole lines of a text, and how many characters of it they are; half a line is left out. */
export function wholeLines(text: string): { lines: string[]; length: number } {
  const length = text.lastIndexOf("\n") + 1;
  return { lines: text.slice(0, length).split("\n").filter(Boolean), length };
}
