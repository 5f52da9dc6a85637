// Following a run: its event log in the bucket, read by ETag, and its state from the API beside it.

import { Offline, api, pause, request } from "./api.js";

const POLL_MS = 1_000; // the worker rewrites the log every 2 s at most
const POLL_HIDDEN_MS = 5_000;
const STATE_EVERY = 5; // looks at the log between two questions for the state
const RENEW_AFTER_MS = 60_000;
const FINAL = new Set(["succeeded", "failed", "cancelled"]);

export const isFinal = (state) => FINAL.has(state);

/** The run's objects in the bucket, through links that are renewed when they have expired. */
export class Objects {
  constructor(runId, links, signal) {
    this.runId = runId;
    this.links = links;
    this.signal = signal;
    this.renewedAt = performance.now();
  }

  /** The answer for `events`, `preview` or `result`; null when it is not there (yet) or unchanged. */
  async get(name, headers = {}) {
    const answer = await request(this.links[name], { headers }, this.signal);
    if (answer.ok) return answer;
    if (answer.status === 304) return null;
    const expired = (await answer.text()).includes("xpired"); // "Request has expired", "ExpiredToken"
    // S3 does not always say which of the two it is: not there, or not allowed any more.
    if (expired || performance.now() - this.renewedAt > RENEW_AFTER_MS) {
      this.links = await api.links(this.runId, this.signal);
      this.renewedAt = performance.now();
      if (expired) return this.get(name, headers);
    }
    return null;
  }

  /** A picture as a blob, or null. */
  async picture(name) {
    const answer = await this.get(name);
    return answer && answer.blob();
  }
}

/**
 * The run's events as they come, until the final one. Yields `{ type: "offline", offline }` when the
 * connection goes and comes, and ends with `{ type: "end", state, problem }`.
 */
export async function* follow(objects, signal) {
  let etag = null;
  let last = 0;
  let state = "starting";
  let problem = null;
  let offline = false;
  for (let looks = 1; ; looks += 1) {
    try {
      const answer = await objects.get("events", etag ? { "If-None-Match": etag } : {});
      if (answer) {
        const text = await answer.text();
        etag = answer.headers.get("ETag");
        for (const event of parse(text, last)) {
          last = event.id;
          if (event.type === "state") {
            state = event.state;
            problem = event.problem ?? problem;
          }
          yield event;
        }
      }
      // What ends a run before it has a log, or kills its worker, is in the state alone.
      if (!isFinal(state) && looks % (last ? STATE_EVERY : 2) === 0) {
        const said = await api.state(objects.runId, signal);
        if (isFinal(said.state)) {
          state = said.state;
          problem = said.cause ?? problem;
        }
      }
      if (offline) yield { type: "offline", offline: (offline = false) };
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      if (!offline) yield { type: "offline", offline: (offline = true) };
    }
    if (isFinal(state)) break;
    await pause(document.hidden ? POLL_HIDDEN_MS : POLL_MS, signal);
  }
  yield { type: "end", state, problem };
}

/** The whole lines of a log whose ids are above `last`. */
export function parse(text, last) {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter((event) => event.id > last);
}
