// The public API, call by call. Errors are `Problem` (the API said no) or `Offline`.

const TIMEOUT_MS = 35_000; // the gateway itself gives up after 29 s
const ATTEMPTS = 4;
const PAUSE_BASE_MS = 300;
const PAUSE_MAX_MS = 5_000;
const REPEATED = new Set([429, 502, 503, 504]);

/** A problem document (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `The server answered ${status}.`);
    this.status = status;
    this.code = document.code || "internal-error";
    this.title = document.title || "";
    this.detail = document.detail || "";
  }
}

/** Nobody answers. */
export class Offline extends Error {}

/** Wait; rejects when the signal is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** One fetch with a time limit; network errors become `Offline`, an abort stays what it is. */
export async function request(url, options = {}, signal = undefined) {
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  try {
    return await fetch(url, { cache: "no-store", credentials: "omit", ...options, signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new Offline(String(error));
  }
}

async function call(method, path, { body, again = true, signal } = {}) {
  for (let tried = 0; ; tried += 1) {
    const last = !again || tried === ATTEMPTS - 1;
    try {
      const answer = await request(path, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      }, signal);
      const document = await answer.json().catch(() => ({}));
      if (answer.ok) return document;
      // "All easels are taken" lasts for minutes: that is news for the visitor, not for a loop.
      if (last || !REPEATED.has(answer.status) || document.code === "too-many-runs") {
        throw new Problem(answer.status, document);
      }
    } catch (error) {
      if (last || !(error instanceof Offline)) throw error;
    }
    await pause(Math.random() * Math.min(PAUSE_BASE_MS * 2 ** tried, PAUSE_MAX_MS), signal);
  }
}

export const api = {
  budget: (signal) => call("GET", "/api/budget", { signal }),
  /** Not repeated after a lost answer: it would ask for a second run. */
  admit: (content, styles, signal) =>
    call("POST", "/api/runs", { body: { content, styles }, again: false, signal }),
  start: (runId, styles, params, signal) =>
    call("POST", "/api/run-nst", { body: { run_id: runId, styles, params }, signal }),
  links: async (runId, signal) =>
    (await call("POST", `/api/runs/${runId}/links`, { body: {}, signal })).links,
  stop: (runId) => call("POST", `/api/runs/${runId}/stop`, { body: {} }),
  /** `starting` when the run is not known (yet). */
  async state(runId, signal) {
    try {
      return await call("GET", `/api/runs/${runId}`, { signal });
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return { run_id: runId, state: "starting", cause: null };
      throw error;
    }
  },
};
