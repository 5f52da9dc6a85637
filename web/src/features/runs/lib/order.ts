/** What a visitor asks for. */

import type { SchemaParams } from "@/shared/api/contract";
import type { Picture } from "@/shared/lib/pixels";

/** A house style by its id, or a picture of the visitor's; `share` of the mix, 0.01 to 1. */
export type StyleChoice = { share: number } & ({ gallery: string } | { picture: Picture });

export interface Order {
  content: Picture;
  styles: StyleChoice[];
  params: Required<Omit<SchemaParams, "keep_colours">>;
}

/** The order as the API wants it for starting. */
export const chosenStyles = (styles: readonly StyleChoice[]) =>
  styles.map((style) => ({ ...("gallery" in style && { gallery: style.gallery }), weight: style.share }));

/** The order as the API wants it for asking. */
export const askedStyles = (styles: readonly StyleChoice[]) =>
  styles.map((style) => ("gallery" in style ? { gallery: style.gallery } : { content_type: "image/jpeg" as const }));
