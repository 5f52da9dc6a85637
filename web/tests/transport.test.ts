import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { LogTransport, type ReadLog } from "@/features/runs/lib/log-transport";
import { parseStream, StreamCut, StreamTransport } from "@/features/runs/lib/stream-transport";
import { FROM_THE_START, type Cursor } from "@/features/runs/lib/transport";
import { Offline, Problem } from "@/shared/api/http";
import { logs, textOf } from "./events";

/** A bucket with the log as it grows: answers as S3 does to If-None-Match and Range. */
function bucket(text: string): ReadLog {
  const body = new TextEncoder().encode(text);
  const headers = { ETag: `"${body.length}"` };
  return (asked) => {
    if (asked["If-None-Match"] === headers.ETag) return Promise.resolve(new Response(null, { status: 304, headers }));
    const from = Number(/^bytes=(\d+)-$/.exec(asked.Range ?? "")?.[1] ?? 0);
    if (asked.Range === undefined) return Promise.resolve(new Response(body, { status: 200, headers }));
    if (from >= body.length) return Promise.resolve(new Response("", { status: 416 }));
    return Promise.resolve(new Response(body.slice(from), { status: 206, headers }));
  };
}

describe("the log as a transport", () => {
  it("gives every event once, in order, wherever the log stood at each look", async () => {
    await fc.assert(fc.asyncProperty(logs, fc.array(fc.nat(), { maxLength: 6 }), async (log, cuts) => {
      const text = textOf(log);
      const ends = [...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length, text.length];
      let cursor: Cursor = FROM_THE_START;
      const seen: number[] = [];
      for (const end of ends) {
        // A reload between two looks: all that is left is the cursor, as it is kept.
        cursor = JSON.parse(JSON.stringify(cursor)) as Cursor;
        const look = await new LogTransport(bucket(text.slice(0, end))).look(cursor);
        cursor = look.cursor;
        seen.push(...look.events.map(({ id }) => id));
      }
      expect(seen).toEqual(log.map(({ id }) => id));
    }));
  });

  it("asks for what is new only", async () => {
    const asked: Record<string, string>[] = [];
    const line = '{"id":1,"at":"","type":"state","state":"starting"}\n';
    const read = bucket(line);
    const transport = new LogTransport((headers) => {
      asked.push(headers);
      return read(headers);
    });
    const first = await transport.look(FROM_THE_START);
    await transport.look(first.cursor);
    expect(asked).toEqual([{}, { "If-None-Match": `"${line.length}"`, Range: `bytes=${line.length}-` }]);
  });

  it("counts bytes, not characters", async () => {
    const line = '{"id":1,"at":"","type":"state","state":"failed","problem":{"detail":"Ωχ"}}\n';
    const { cursor } = await new LogTransport(bucket(line)).look(FROM_THE_START);
    expect(cursor.offset).toBe(new TextEncoder().encode(line).length);
  });

  it("begins anew when the log is not the one that it was, and repeats nothing", async () => {
    const short = textOf([{ id: 1, at: "", type: "state", state: "starting" }]);
    const cursor = { lastId: 3, offset: 9_000, etag: '"9000"' };
    const look = await new LogTransport(bucket(short)).look(cursor);
    expect(look).toEqual({ events: [], cursor: { lastId: 3, offset: 0, etag: null } });
    const middle = await new LogTransport(bucket(short)).look({ ...cursor, offset: 5 });
    expect(middle).toEqual({ events: [], cursor: { lastId: 3, offset: 0, etag: null } });
  });

  it("passes over kinds of events that it does not know", async () => {
    const text = '{"id":1,"at":"","type":"music"}\n{"id":2,"at":"","type":"state","state":"starting"}\n';
    const { events } = await new LogTransport(bucket(text)).look(FROM_THE_START);
    expect(events.map(({ id }) => id)).toEqual([2]);
  });
});

describe("the stream as a transport", () => {
  it("is read the same in any pieces", () => {
    fc.assert(fc.property(logs, fc.array(fc.nat()), (log, cuts) => {
      const text = log.map((event) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n: alive\n\n`).join("");
      const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)), text.length];
      let rest = "";
      let from = 0;
      const seen: number[] = [];
      for (const end of ends) {
        const parsed = parseStream(rest + text.slice(from, end));
        ({ rest } = parsed);
        from = end;
        seen.push(...parsed.events.map(({ id }) => id));
      }
      expect(seen).toEqual(log.map(({ id }) => id));
    }));
  });

  it("asks for what comes after the last event, and says when it was cut", async () => {
    const asked: Headers[] = [];
    const fetcher = ((_: string, init: RequestInit) => {
      asked.push(new Headers(init.headers));
      return Promise.resolve(new Response('id: 8\ndata: {"id":8,"at":"","type":"state","state":"running"}\n\n'));
    }) as typeof fetch;
    const seen: number[] = [];
    const looks = new StreamTransport("https://x/events", fetcher).looks({ ...FROM_THE_START, lastId: 7 }, new AbortController().signal);
    await expect(async () => {
      for await (const look of looks) seen.push(...look.events.map(({ id }) => id));
    }).rejects.toBeInstanceOf(StreamCut);
    expect(asked[0]?.get("Last-Event-ID")).toBe("7");
    expect(seen).toEqual([8]);
  });

  it.each([
    ["ends when everything was seen before", () => Promise.resolve(new Response(null, { status: 204 })), null],
    ["says that it is full", () => Promise.resolve(new Response("", { status: 503 })), Problem],
    ["says that nobody answers", () => Promise.reject(new TypeError("network")), Offline],
  ])("%s", async (_, fetcher, error) => {
    const read = async () => {
      for await (const look of new StreamTransport("/x", fetcher).looks(FROM_THE_START, new AbortController().signal)) expect(look.events).toEqual([]);
    };
    if (error) await expect(read()).rejects.toBeInstanceOf(error);
    else await read();
  });
});
