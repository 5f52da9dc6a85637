/** Events as they happen: server-sent events of the Web API, where live events are on. */

import { parseEvent, type RunEvent } from "@/features/runs/lib/events";
import { FROM_THE_START, type Cursor, type Look, type Transport } from "@/features/runs/lib/transport";
import { Offline, Problem } from "@/shared/api/http";

/** The stream was cut, as it is after some minutes: ask again after the last event. */
export class StreamCut extends Error {}

/** Longer than the comment line that keeps a stream alive, every 15 s. */
const SILENCE_MS = 40_000;

/** Its looks end when the run's last event has been seen before. */
export class StreamTransport implements Transport {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  #done = false;

  constructor(url: string, fetcher: typeof fetch = (...arguments_) => fetch(...arguments_)) {
    this.#url = url;
    this.#fetch = fetcher;
  }

  async *looks(cursor: Cursor, signal: AbortSignal): AsyncGenerator<Look & { cursor: Cursor }> {
    let lastId = cursor.lastId;
    for await (const events of this.#batches(lastId, signal)) {
      const fresh = events.filter((event) => event.id > lastId);
      lastId = fresh.at(-1)?.id ?? lastId;
      // Where the log's bytes stand a stream does not say: a reader of the log starts anew, by ids.
      yield { events: fresh, cursor: { ...FROM_THE_START, lastId } };
    }
    if (!this.#done) throw new StreamCut();
  }

  async *#batches(lastId: number, signal: AbortSignal): AsyncGenerator<RunEvent[]> {
    const silence = new AbortController();
    let timer = setTimeout(() => { silence.abort(); }, SILENCE_MS);
    try {
      const answer = await this.#fetch(this.#url, {
        cache: "no-store", credentials: "omit",
        headers: { Accept: "text/event-stream", ...(lastId > 0 && { "Last-Event-ID": String(lastId) }) },
        signal: AbortSignal.any([signal, silence.signal]),
      });
      this.#done = answer.status === 204;
      if (!answer.ok) throw new Problem(answer.status);
      if (!answer.body) return;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => { silence.abort(); }, SILENCE_MS);
        const { events, rest } = parseStream(text + value);
        text = rest;
        yield events;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof Problem ? error : new Offline(String(error));
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }
}

/** The events of a stream's whole blocks, and the text after them. */
export function parseStream(text: string): { events: RunEvent[]; rest: string } {
  const blocks = text.replace(/\r\n?/g, "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  const events: RunEvent[] = [];
  for (const block of blocks) {
    const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
    if (data.length === 0) continue; // a comment
    const event = parseEvent(data.join("\n"));
    if (event) events.push(event);
  }
  return { events, rest };
}
