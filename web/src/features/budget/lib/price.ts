/** What a run costs at most, by the budget view. */

import type { SchemaBudget, SchemaParams } from "@/shared/api/contract";

type Priced = Required<Pick<SchemaParams, "algorithm" | "quality" | "size">>;

/** Micro-dollars; null when that is not known (yet). A size between two costs at most what the next does. */
export function ceilingOf({ algorithm, quality, size }: Priced, budget: SchemaBudget | undefined): number | null {
  const sizes = budget?.ceilings_microusd?.[algorithm === "instant" ? algorithm : quality];
  if (!sizes) return budget?.run_ceiling_microusd ?? null;
  const next = sizesOf(budget).find((pixels) => pixels >= size);
  return next === undefined ? null : (sizes[String(next)] ?? null);
}

/** The sizes that have a price, in pixels, ascending. */
export function sizesOf(budget: SchemaBudget | undefined): number[] {
  const sizes = Object.values(budget?.ceilings_microusd ?? {}).flatMap((priced) => Object.keys(priced).map(Number));
  return [...new Set(sizes)].sort((a, b) => a - b);
}

export type Verdict = "unknown" | "closed" | "dear" | "fits";

/** Whether such a run could start now, as far as the budget goes. */
export function verdict(params: Priced, budget: SchemaBudget | undefined): Verdict {
  if (!budget) return "unknown";
  if (!budget.accepting) return "closed";
  const most = ceilingOf(params, budget);
  return most !== null && most > budget.available_microusd ? "dear" : "fits";
}
