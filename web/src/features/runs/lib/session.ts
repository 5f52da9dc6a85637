/** One run from its admission to the painting. Draws nothing; components watch its stores. */

import { stopRun } from "@/features/runs/api/stop-run";
import { startRun } from "@/features/runs/api/start-run";
import { follow } from "@/features/runs/lib/follow";
import { LogTransport } from "@/features/runs/lib/log-transport";
import { advance, isOver, STARTING, UPLOADING, type RunInput, type RunState } from "@/features/runs/lib/machine";
import { Objects } from "@/features/runs/lib/objects";
import { chosenStyles, type Order } from "@/features/runs/lib/order";
import { forget, keep, type RunRecord } from "@/features/runs/lib/records";
import { StreamTransport } from "@/features/runs/lib/stream-transport";
import { thumbnail } from "@/features/runs/lib/thumbnail";
import { FROM_THE_START, type Cursor } from "@/features/runs/lib/transport";
import { upload, weighed } from "@/features/runs/lib/upload";
import type { SchemaAdmission } from "@/shared/api/contract";
import { Offline, Problem } from "@/shared/api/http";
import { backoffMs } from "@/shared/lib/backoff";
import { nap } from "@/shared/lib/nap";
import { Store } from "@/shared/lib/store";

/** For so long a run that was started here may not be known yet; one from a link, less. */
const PATIENCE_OWN_MS = 300_000;
const PATIENCE_SHARED_MS = 30_000;
const KEEP_EVERY_MS = 1_000;

/** How a run ends when its session cannot go on. */
function endedBy(error: unknown): RunInput {
  if (!(error instanceof Problem)) {
    const code = error instanceof Offline ? "offline" : "client-error";
    return { type: "ended", phase: "failed", problem: { status: 0, code, title: "", detail: "" } };
  }
  // Nothing of it is kept any more.
  const gone = error.reason.status === 404;
  return { type: "ended", phase: gone ? "expired" : "failed", problem: gone ? null : error.reason };
}

export class RunSession {
  readonly id: string;
  readonly state: Store<RunState>;
  readonly preview = new Store<Blob | null>(null);
  readonly result = new Store<Blob | null>(null);
  readonly thumb: Store<Blob | null>;
  readonly order: Order | null;
  readonly createdAt: number;
  ceiling: number | null;

  #cursor: Cursor;
  #confirmed: boolean;
  #abort = new AbortController();
  #working = false;
  #keptAt = 0;
  #previewing = false;
  #left = false;

  /** `record`: what is kept of it; null for a run that is known by its id alone. */
  constructor(id: string, record: RunRecord | null) {
    this.id = id;
    this.order = record?.order ?? null;
    this.createdAt = record?.createdAt ?? Date.now();
    this.ceiling = record?.ceiling ?? null;
    this.state = new Store(record?.state ?? STARTING);
    this.thumb = new Store(record?.thumb ?? null);
    this.#cursor = record?.cursor ?? FROM_THE_START;
    this.#confirmed = record?.confirmed ?? true;
  }

  /** A new run, just admitted. */
  static begin(admission: SchemaAdmission, order: Order): RunSession {
    const session = new RunSession(admission.run_id, {
      id: admission.run_id, order, createdAt: Date.now(), ceiling: admission.ceiling_microusd,
      state: UPLOADING, cursor: FROM_THE_START, confirmed: false, thumb: null,
    });
    void session.#work(() => session.#send(admission));
    return session;
  }

  /** Go on where it was left: after a reload, from a link, or for a painting that was made before. */
  resume(): void {
    void this.#work(() => Promise.resolve());
  }

  /** Stop it. What is not started yet is given up at once. */
  async stop(): Promise<void> {
    this.#take({ type: "stop" });
    if (this.state.get().phase === "uploading") {
      this.#abort.abort(new DOMException("stopped", "AbortError"));
      this.#take({ type: "ended", phase: "cancelled", problem: null });
      return;
    }
    if (!this.#confirmed) return; // it is being started: stopped as soon as it is
    try {
      await stopRun(this.id);
    } catch {
      this.#take({ type: "stop-failed" });
    }
  }

  /** Listen no more, and keep nothing of it on this device; a run goes on all the same. */
  async leave(): Promise<void> {
    this.#left = true;
    this.#abort.abort(new DOMException("left", "AbortError"));
    await forget(this.id);
  }

  async #work(first: () => Promise<void>): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      await first();
      if (!isOver(this.state.get())) await this.#follow();
      if (this.state.get().phase === "succeeded") await this.#fetchResult();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#take(endedBy(error));
    } finally {
      this.#working = false;
      this.#keepSoon(true);
    }
  }

  async #send({ uploads, max_upload_bytes }: SchemaAdmission): Promise<void> {
    const { order } = this;
    if (!order) return;
    const pictures = [order.content, ...order.styles.map((style) => ("picture" in style ? style.picture : null))];
    const posts = [uploads.content, ...uploads.styles];
    const progress = weighed(pictures.map((picture) => picture?.blob.size ?? 0), (fraction) => {
      this.#take({ type: "uploaded", fraction });
    });
    await Promise.all(pictures.map(async (picture, place) => {
      const post = posts[place];
      if (!picture || !post) return;
      if (picture.blob.size > max_upload_bytes) throw new Problem(413, { code: "upload-refused" });
      await upload(post, picture.blob, (fraction) => { progress(place, fraction); }, this.#abort.signal);
    }));
    this.#take({ type: "started" });
    await this.#start();
  }

  /** Start it: again and again while nobody answers, since the same request finds the same run. */
  async #start(): Promise<void> {
    const { order } = this;
    if (!order) return;
    await keep(this.#record());
    for (let attempt = 0; ; attempt += 1) {
      try {
        const body = { run_id: this.id, styles: chosenStyles(order.styles), params: order.params };
        this.ceiling = (await startRun(body, this.#abort.signal)).ceiling_microusd;
        break;
      } catch (error) {
        if (!(error instanceof Offline)) throw error;
        this.#take({ type: "contact", offline: true });
        await nap(backoffMs(attempt), this.#abort.signal);
      }
    }
    this.#confirmed = true;
    this.#take({ type: "contact", offline: false });
    // Stop was asked for while it was being started.
    if (this.state.get().stopping) await this.stop();
  }

  async #follow(): Promise<void> {
    if (!this.#confirmed) await this.#start();
    const { signal } = this.#abort;
    const objects = new Objects(this.id, null, signal);
    const log = new LogTransport((headers) => objects.get("events", headers));
    const patienceMs = this.order ? PATIENCE_OWN_MS : PATIENCE_SHARED_MS;
    const stream = await this.#stream(objects);
    for await (const { input, cursor } of follow({ runId: this.id, cursor: this.#cursor, log, stream, signal, patienceMs })) {
      this.#cursor = cursor;
      if (input) this.#take(input);
      if (input?.type === "event" && input.event.type === "preview") void this.#fetchPreview(objects);
    }
  }

  /** The stream of live events, where the system says that it has one. */
  async #stream(objects: Objects): Promise<StreamTransport | null> {
    try {
      const { events_live: live } = await objects.links();
      return live ? new StreamTransport(live) : null;
    } catch (error) {
      if (error instanceof Problem && error.reason.status === 404) throw error;
      return null; // whoever follows the log asks for links again
    }
  }

  /** The newest preview, one at a time; one that is lost is replaced by the next. */
  async #fetchPreview(objects: Objects): Promise<void> {
    if (this.#previewing) return;
    this.#previewing = true;
    try {
      for (let shown = -1; shown !== this.state.get().preview; ) {
        shown = this.state.get().preview;
        const blob = await objects.picture("preview");
        if (blob) this.preview.set(blob);
      }
    } catch {
      // The log tells about everything that matters.
    } finally {
      this.#previewing = false;
    }
  }

  async #fetchResult(): Promise<void> {
    const objects = new Objects(this.id, null, this.#abort.signal);
    for (let attempt = 0; ; attempt += 1) {
      try {
        const blob = await objects.picture("result");
        if (blob === null) break;
        this.result.set(blob);
        this.thumb.set(await thumbnail(blob));
        this.state.set({ ...this.state.get(), offline: false });
        return;
      } catch (error) {
        if (error instanceof Problem && error.reason.status === 404) break;
        if (this.#abort.signal.aborted) return;
        this.state.set({ ...this.state.get(), offline: true });
        await nap(backoffMs(attempt), this.#abort.signal);
      }
    }
    this.state.set({ ...this.state.get(), phase: "expired", offline: false });
  }

  #take(input: RunInput): void {
    this.state.set(advance(this.state.get(), input));
    this.#keepSoon(false);
  }

  #keepSoon(now: boolean): void {
    // A run that is not started yet cannot be gone on with: its order is in the studio still.
    if (!this.order || this.state.get().phase === "uploading" || this.#left) return;
    if (!now && Date.now() - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = Date.now();
    void keep(this.#record());
  }

  #record(): RunRecord {
    if (!this.order) throw new Error("a run of somebody else is not kept");
    return {
      id: this.id, order: this.order, createdAt: this.createdAt, ceiling: this.ceiling,
      state: this.state.get(), cursor: this.#cursor, confirmed: this.#confirmed, thumb: this.thumb.get(),
    };
  }
}
