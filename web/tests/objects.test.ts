import { afterEach, describe, expect, it, vi } from "vitest";

import { Objects } from "@/features/runs/lib/objects";
import { Problem } from "@/shared/api/http";

const ID = "0123456789abcdef0123456789abcdef";
const links = (version: number) => ({
  events: `https://bucket/events?v=${version}`, preview: `https://bucket/preview?v=${version}`, result: `https://bucket/result?v=${version}`, expires_at: "2026-11-23T13:00:00Z",
});
const EXPIRED = () => new Response("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", { status: 403 });
const DENIED = () => new Response("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", { status: 403 });

/** A bucket and an API that answer by address, and note what was asked. */
function answering(answers: Record<string, () => Response>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    const answer = answers[url];
    return answer ? Promise.resolve(answer()) : Promise.reject(new TypeError("network"));
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const fresh = () => Response.json({ run_id: ID, links: links(2) });
const signal = new AbortController().signal;

describe("links", () => {
  it("that have expired are renewed, and the object asked for again", async () => {
    const asked = answering({ "https://bucket/events?v=1": EXPIRED, [`/api/runs/${ID}/links`]: fresh, "https://bucket/events?v=2": () => new Response("log") });
    const answer = await new Objects(ID, links(1), signal).get("events");
    expect(await answer?.text()).toBe("log");
    expect(asked).toEqual(["https://bucket/events?v=1", `/api/runs/${ID}/links`, "https://bucket/events?v=2"]);
  });

  it("are not renewed for an object that is not there yet", async () => {
    const asked = answering({ "https://bucket/events?v=1": DENIED });
    expect(await new Objects(ID, links(1), signal).get("events")).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it("that are denied for long are renewed: S3 does not always say that they expired", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const asked = answering({ "https://bucket/events?v=1": DENIED, "https://bucket/events?v=2": () => new Response("log"), [`/api/runs/${ID}/links`]: fresh });
    const objects = new Objects(ID, links(1), signal);
    vi.advanceTimersByTime(61_000);
    expect(await objects.get("events")).toBeNull();
    expect((await objects.get("events"))?.status).toBe(200);
    expect(asked.filter((url) => url.endsWith("/links"))).toHaveLength(1);
  });

  it("of a run that is not kept any more are a problem 404", async () => {
    answering({ [`/api/runs/${ID}/links`]: () => Response.json({ code: "run-not-found", status: 404 }, { status: 404 }) });
    await expect(new Objects(ID, null, signal).get("events")).rejects.toBeInstanceOf(Problem);
  });

  it("give what is unchanged as it is answered", async () => {
    answering({ "https://bucket/events?v=1": () => new Response(null, { status: 304 }) });
    expect((await new Objects(ID, links(1), signal).get("events"))?.status).toBe(304);
  });
});
