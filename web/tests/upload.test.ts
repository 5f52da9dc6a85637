import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { upload, weighed, type Send } from "@/features/runs/lib/upload";
import { Offline, Problem } from "@/shared/api/http";

const post = { url: "https://bucket/", fields: {} };
const none = () => undefined;
const pause = () => Promise.resolve();
const signal = new AbortController().signal;

/** Sends that end as told, one after the other. */
function sends(...ends: (number | "lost")[]): { send: Send; count: () => number } {
  let at = 0;
  return {
    send: () => {
      const end = ends[at] ?? 204;
      at += 1;
      return end === "lost" ? Promise.reject(new Offline("lost")) : Promise.resolve({ status: end, text: "<Error><Code>Because</Code></Error>" });
    },
    count: () => at,
  };
}

describe("uploading", () => {
  it("is tried again after losses and the store's troubles", async () => {
    const { send, count } = sends("lost", 503, 204);
    await upload(post, new Blob(), none, signal, { send, pause });
    expect(count()).toBe(3);
  });

  it("is not tried again after a refusal, which says why", async () => {
    const { send, count } = sends(403);
    const refused = upload(post, new Blob(), none, signal, { send, pause });
    await expect(refused).rejects.toBeInstanceOf(Problem);
    await refused.catch((error: unknown) => { expect((error as Problem).reason).toMatchObject({ status: 403, code: "upload-refused", detail: "Because" }); });
    expect(count()).toBe(1);
  });

  it("gives up at last", async () => {
    const { send, count } = sends(...Array.from({ length: 9 }, () => "lost" as const));
    await expect(upload(post, new Blob(), none, signal, { send, pause })).rejects.toBeInstanceOf(Offline);
    expect(count()).toBe(5);
  });

  it("counts every file by its size", () => {
    fc.assert(fc.property(fc.array(fc.nat(10_000_000), { minLength: 1, maxLength: 5 }), (sizes) => {
      let told = 0;
      const tell = weighed(sizes, (fraction) => { told = fraction; });
      sizes.forEach((_, place) => { tell(place, 1); });
      expect(told).toBeCloseTo(sizes.some((size) => size > 0) ? 1 : 0);
    }));
    let told = 0;
    const tell = weighed([300, 100], (fraction) => { told = fraction; });
    tell(0, 0.5);
    expect(told).toBeCloseTo(0.375);
  });
});
