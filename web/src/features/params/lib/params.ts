import { paramsAlgorithmValues, paramsQualityValues, type SchemaParams } from "@/shared/api/contract";

export type Params = Required<SchemaParams>;

export const ALGORITHMS = paramsAlgorithmValues;
export const QUALITIES = paramsQualityValues;
export const SEED_MAX = 2 ** 31 - 1;
export const STRENGTH_MAX = 2;
/** Offered until the budget view says which sizes have a price. */
export const SIZES = [256, 512, 768, 1024];

export const DEFAULTS: Params = {
  algorithm: "painted", size: 512, quality: "good", strength: 1, keep_colours: false, seed: 0,
};

/** A seed within the contract's bounds, from whatever was typed. */
export function seedOf(typed: string): number {
  const value = Math.round(Number(typed));
  return Number.isFinite(value) ? Math.min(SEED_MAX, Math.max(0, value)) : 0;
}

/** Which of five words fits a strength. */
export function boldness(strength: number): 0 | 1 | 2 | 3 | 4 {
  return strength < 0.5 ? 0 : strength < 0.9 ? 1 : strength <= 1.1 ? 2 : strength < 1.6 ? 3 : 4;
}
