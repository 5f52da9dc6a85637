/** One call of the public API. What goes wrong is a `Problem` (it said no) or `Offline`. */

import type { SchemaProblem } from "@/shared/api/contract";
import { backoffMs } from "@/shared/lib/backoff";
import { nap } from "@/shared/lib/nap";

const TIMEOUT_MS = 35_000; // the gateway itself gives up after 29 s
const ATTEMPTS = 4;
const REPEATED = new Set([429, 500, 502, 503, 504]);
/** These last for minutes or days: news for the visitor, not for a loop. */
const LASTING = new Set(["too-many-runs", "no-capacity"]);

/** What the API says of a refusal; kept as a plain object, so that it can be stored. */
export type Reason = Pick<SchemaProblem, "status" | "code" | "title" | "detail"> & {
  /** Of a 429: `closed` while the whole API is closed, `open` when it is this moment's crowd only. */
  state?: string;
};

/** A problem document (RFC 9457). */
export class Problem extends Error {
  readonly reason: Reason;

  constructor(status: number, document: Partial<SchemaProblem & Reason> = {}) {
    super(document.detail ?? document.title ?? `The server answered ${status}.`);
    this.reason = {
      status,
      code: document.code ?? (status === 429 ? "too-many-requests" : "internal-error"),
      title: document.title ?? "",
      detail: document.detail ?? "",
      ...(document.state && { state: document.state }),
    };
  }
}

/** Nobody answers. */
export class Offline extends Error {}

/** One fetch with a time limit; network errors become `Offline`, an abort stays what it is. */
export async function request(url: string, options: RequestInit = {}, signal?: AbortSignal): Promise<Response> {
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  try {
    return await fetch(url, { cache: "no-store", credentials: "omit", ...options, signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new Offline(String(error));
  }
}

interface CallOptions {
  body?: object;
  signal?: AbortSignal | undefined;
  attempts?: number;
}

/**
 * The answer's JSON. Every call of the API may be repeated without harm, so losses and passing
 * troubles are; after the last attempt the `Problem` or `Offline` is thrown.
 */
export async function call<T>(method: "GET" | "POST", path: string, options: CallOptions = {}): Promise<T> {
  const { body, signal, attempts = ATTEMPTS } = options;
  for (let attempt = 0; ; attempt += 1) {
    const last = attempt >= attempts - 1;
    try {
      return await once<T>(method, path, body, signal);
    } catch (error) {
      if (last || !passing(error)) throw error;
    }
    await nap(backoffMs(attempt), signal);
  }
}

async function once<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const sent = body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await request(path, { method, ...sent }, signal);
  const document: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(answer.status, document ?? {});
  // A captive portal answers 200 with a page of its own: that is nobody of ours.
  if (document === null) throw new Offline(`${path} answered no JSON`);
  return document as T;
}

function passing(error: unknown): boolean {
  if (error instanceof Offline) return true;
  return error instanceof Problem && REPEATED.has(error.reason.status) && !LASTING.has(error.reason.code);
}
