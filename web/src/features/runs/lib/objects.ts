/** What a run has made, read through links that are renewed when they have expired. */

import { createLinks } from "@/features/runs/api/create-links";
import type { SchemaLinks } from "@/shared/api/contract";
import { Problem, request } from "@/shared/api/http";

const RENEW_AFTER_MS = 60_000;

export type ObjectName = "events" | "preview" | "result";

export class Objects {
  readonly #runId: string;
  readonly #signal: AbortSignal;
  #links: SchemaLinks | null;
  #renewedAt = performance.now();

  constructor(runId: string, links: SchemaLinks | null, signal: AbortSignal) {
    this.#runId = runId;
    this.#links = links;
    this.#signal = signal;
  }

  /** The links as they are; fetched when there are none. `Problem` 404: the run is not kept any more. */
  async links(): Promise<SchemaLinks> {
    return this.#links ?? this.renew();
  }

  async renew(): Promise<SchemaLinks> {
    this.#renewedAt = performance.now();
    this.#links = await createLinks(this.#runId, this.#signal);
    return this.#links;
  }

  /** The answer (200, 206, 304 or 416), or null when the object is not there (yet). */
  async get(name: ObjectName, headers: Record<string, string> = {}): Promise<Response | null> {
    const links = await this.links();
    const answer = await request(links[name], { headers }, this.#signal);
    if (answer.ok || answer.status === 304 || answer.status === 416) return answer;
    if (answer.status >= 500) throw new Problem(answer.status);
    const expired = (await answer.text()).includes("xpired"); // "Request has expired", "ExpiredToken"
    // S3 does not always say which of the two it is: not there, or not allowed any more.
    if (expired || performance.now() - this.#renewedAt > RENEW_AFTER_MS) {
      await this.renew();
      if (expired) return this.get(name, headers);
    }
    return null;
  }

  /** A picture, or null when it is not there. */
  async picture(name: "preview" | "result"): Promise<Blob | null> {
    const answer = await this.get(name);
    return answer?.ok ? answer.blob() : null;
  }
}
