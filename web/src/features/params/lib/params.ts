import { paramsAlgorithmValues, paramsColoursValues, paramsQualityValues, type SchemaParams } from "@/shared/api/contract";

/** Without the older name of `colours`, which the API takes still. */
export type Params = Required<Omit<SchemaParams, "keep_colours">>;

export const ALGORITHMS = paramsAlgorithmValues;
export const QUALITIES = paramsQualityValues;
export const COLOURS = paramsColoursValues;
export const SEED_MAX = 2 ** 31 - 1;
export const STRENGTH_MAX = 2;
/** Offered until the budget view says which sizes have a price. */
export const SIZES = [256, 512, 768, 1024];

export const DEFAULTS: Params = {
  algorithm: "painted", size: 512, quality: "good", strength: 1, colours: "style", style_scale: 1,
  masks: false, // nobody can draw them here
  seed: 0,
};

/** What was chosen earlier, perhaps before there were some of the parameters. */
export function recalled({ keep_colours: kept, ...params }: SchemaParams | Partial<SchemaParams>): Params {
  return { ...DEFAULTS, ...(kept && { colours: "photo" as const }), ...params };
}

/** The sizes of strokes that are offered: half as large to twice as large, in steps alike to the eye. */
export const SCALES = [0.5, 0.71, 1, 1.41, 2];

/** The place in `SCALES` that is next to a scale. */
export function scalePlace(scale: number): number {
  const away = SCALES.map((offered) => Math.abs(Math.log(offered / scale)));
  return away.indexOf(Math.min(...away));
}

/** A seed within the contract's bounds, from whatever was typed. */
export function seedOf(typed: string): number {
  const value = Math.round(Number(typed));
  return Number.isFinite(value) ? Math.min(SEED_MAX, Math.max(0, value)) : 0;
}

/** Which of five words fits a strength. */
export function boldness(strength: number): 0 | 1 | 2 | 3 | 4 {
  return strength < 0.5 ? 0 : strength < 0.9 ? 1 : strength <= 1.1 ? 2 : strength < 1.6 ? 3 : 4;
}
