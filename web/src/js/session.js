// One run from the click to the picture. It tells a listener what happens and draws nothing itself.

import { Offline, Problem, api, pause } from "./api.js";
import { Objects, follow, isFinal } from "./follow.js";
import { recall, remember, setCurrentRun } from "./keep.js";
import { texts } from "./texts.js";
import { small, upload } from "./upload.js";

const SETTLE_TRIES = 30;
const SETTLE_PAUSE_MS = 2_000;

/**
 * `tell(change)` gets any of `stage`, `fraction` (of the uploads), `progress`, `preview` (a blob),
 * `before` (a data URL), `offline`. `paint` and `resume` give the end:
 * `{ outcome: "succeeded" | "failed" | "cancelled" | "unknown", problem, picture, early, preview }`.
 */
export class Session {
  constructor(tell) {
    this.tell = tell;
    this.abort = new AbortController();
    this.runId = null;
    this.phase = "before"; // then "starting", while the call that starts it is under way; "started"
    this.stopWanted = false;
    this.preview = null;
    this.newest = 0;
  }

  get signal() {
    return this.abort.signal;
  }

  /** A new run. `order`: `{ content, styles: [{ file? , gallery?, weight }], params }`. */
  async paint(order, budget) {
    this.tell({ stage: "admitting" });
    const styles = order.styles.map(({ file, gallery }) =>
      gallery ? { gallery } : { content_type: file.type });
    const admission = await api.admit({ content_type: order.content.type }, styles, this.signal);
    const files = [order.content, ...order.styles.map(({ file }) => file)];
    const posts = [admission.uploads.content, ...admission.uploads.styles];
    for (const file of files) {
      if (file && file.blob.size > admission.max_upload_bytes) {
        throw new Problem(413, { title: texts.ended.failed, detail: texts.tooLarge(file.name, admission.max_upload_bytes) });
      }
    }
    await this.#send(files, posts);
    this.runId = admission.run_id;
    this.phase = "starting";
    this.tell({ stage: "starting" });
    const chosen = order.styles.map(({ gallery, weight }) => ({ ...(gallery && { gallery }), weight }));
    const started = await api.start(this.runId, chosen, order.params, this.signal);
    this.phase = "started";
    if (this.stopWanted) await api.stop(this.runId);
    setCurrentRun(this.runId);
    remember(this.runId, {
      before: await small(order.content.blob),
      ceiling: started.ceiling_microusd,
      spent: budget?.spent_microusd,
      reserved: budget?.reserved_microusd,
    });
    return this.#follow(admission.links);
  }

  /** A run that was started before: after a reload, or from its address. */
  async resume(runId) {
    this.runId = runId;
    this.phase = "started";
    this.tell({ stage: "starting" });
    for (;;) {
      try {
        return await this.#follow(await api.links(runId, this.signal));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return { outcome: "unknown" };
        if (!(error instanceof Offline)) throw error;
        this.tell({ offline: true });
        await pause(SETTLE_PAUSE_MS, this.signal);
      }
    }
  }

  /** Stop the run. What is not started yet is given up; a start under way is stopped after it. */
  async stop() {
    this.tell({ stage: "stopping" });
    if (this.phase === "before") this.abort.abort(new DOMException("stopped", "AbortError"));
    else if (this.phase === "starting") this.stopWanted = true;
    else await api.stop(this.runId);
  }

  /** Listen no more; the run goes on. */
  leave() {
    this.abort.abort(new DOMException("left", "AbortError"));
  }

  /** What the run cost, once that is settled: `{ budget, cost }`, either null when not known. */
  async settled() {
    const { spent, reserved } = recall(this.runId);
    for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
      const { state } = await api.state(this.runId, this.signal);
      if (isFinal(state)) break;
      await pause(SETTLE_PAUSE_MS, this.signal);
    }
    const budget = await api.budget(this.signal);
    const cost = budget.spent_microusd - spent;
    // The difference is this run's cost only if nobody else painted meanwhile.
    const alone = reserved === 0 && budget.reserved_microusd === 0 && cost > 0;
    return { budget, cost: alone ? cost : null };
  }

  async #send(files, posts) {
    const total = files.reduce((sum, file) => sum + (file?.blob.size ?? 0), 0);
    let done = 0;
    for (const [i, file] of files.entries()) {
      if (!posts[i] || !file) continue;
      const tell = (fraction) =>
        this.tell({ stage: "uploading", fraction: (done + fraction * file.blob.size) / total });
      tell(0);
      await upload(posts[i], file.blob, tell, this.signal);
      done += file.blob.size;
    }
  }

  async #follow(links) {
    this.tell({ before: recall(this.runId).before ?? null });
    const objects = new Objects(this.runId, links, this.signal);
    let early = false;
    let end = null;
    let shown = 0;
    for await (const event of follow(objects, this.signal)) {
      if (event.type === "offline") this.tell({ offline: event.offline });
      else if (event.type === "end") end = event;
      else if (event.type === "state") this.tell({ stage: isFinal(event.state) ? "finishing" : event.state });
      else if (event.type === "progress") this.tell({ stage: "running", progress: event });
      else if (event.type === "result") early = event.stopped_early;
      else if (event.type === "preview" && event.version > shown) {
        shown = event.version;
        void this.#showPreview(objects, event.version);
      }
    }
    const outcome = { outcome: end.state, problem: end.problem, early, preview: this.preview };
    if (end.state !== "succeeded") return outcome;
    return { ...outcome, picture: await this.#result(objects) };
  }

  async #showPreview(objects, version) {
    try {
      const blob = await objects.picture("preview");
      if (!blob || this.newest > version) return;
      this.newest = version;
      this.preview = blob;
      this.tell({ preview: blob });
    } catch (error) {
      // A preview that is lost is replaced by the next one; the log tells about everything else.
      console.debug("preview", error);
    }
  }

  async #result(objects) {
    for (;;) {
      try {
        const blob = await objects.picture("result");
        if (blob) return blob;
        throw new Problem(404, { title: texts.ended.unknown, detail: texts.ended.unknownHint });
      } catch (error) {
        if (!(error instanceof Offline)) throw error;
        this.tell({ offline: true });
        await pause(SETTLE_PAUSE_MS, this.signal);
      }
    }
  }
}
