import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { GALLERY } from "@/features/styles/lib/gallery";
import { paramsAlgorithmValues } from "@/shared/api/contract";
import { ceiling, money } from "@/shared/lib/format";
import { el } from "@/shared/texts/el";
import { en } from "@/shared/texts/en";
import { LANGUAGES, preferred } from "@/shared/texts/language";

/** Every path to a text, with what kind of thing is there. */
function paths(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${typeof value}${typeof value === "function" ? value.length : ""}`];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, `${path}.${key}`));
}

const problems = JSON.parse(readFileSync(new URL("../../system/problems.json", import.meta.url), "utf8")) as Record<string, { code: string }>;

describe.each([["en", en], ["el", el]] as const)("%s", (code, texts) => {
  it("has every text, and no other", () => {
    expect(paths(texts).sort()).toEqual(paths(en).sort());
  });
  it("leaves no text empty", () => {
    for (const [path, text] of flat(texts)) expect(text.trim(), path).not.toBe("");
  });
  it("names every house style and algorithm", () => {
    for (const { id } of GALLERY) expect(texts.style.names).toHaveProperty(id);
    for (const name of paramsAlgorithmValues) expect(texts.params.algorithms).toHaveProperty(name);
  });
  it("has words for every problem that a visitor can meet", () => {
    const said = new Set(["run-not-found", "run-cancelled", "task-still-stopping", "invalid-request", "internal-error"]);
    for (const { code: problem } of Object.values(problems)) if (!said.has(problem)) expect(texts.problems).toHaveProperty(problem);
  });
  it("is offered", () => {
    expect(LANGUAGES).toHaveProperty(code);
    expect(texts.locale).toBe(code);
  });
});

function flat(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, `${path}.${key}`));
}

describe("the language to begin with", () => {
  it.each([
    ["el", ["en-GB"], "el"],
    [null, ["el-GR", "en"], "el"],
    [null, ["fr", "el"], "el"],
    [null, ["fr"], "en"],
    ["xx", [], "en"],
    ["constructor", [], "en"],
  ])("%s, %o: %s", (chosen, wished, code) => {
    expect(preferred(chosen, wished)).toBe(code);
  });
});

describe("money", () => {
  it("is rounded down where it is left, and up where it is a ceiling", () => {
    expect(money(8_759_999, "en")).toBe("$8.75");
    expect(money(9_460, "en")).toBe("$0.009");
    expect(money(0, "en")).toBe("$0.00");
    expect(ceiling(12_001, "en")).toBe("$0.013");
  });
});
