import type { StyleChoice } from "@/features/runs/lib/order";
import { houseStyle } from "@/features/styles/lib/gallery";
import type { Texts } from "@/shared/texts/en";

/** What a style is called, in the visitor's language where it is of the house. */
export function styleName(style: StyleChoice, texts: Texts): string {
  if ("picture" in style) return style.picture.name;
  return texts.style.names[style.gallery] ?? houseStyle(style.gallery)?.title ?? style.gallery;
}

/** Its picture: an address, or pixels. */
export const stylePicture = (style: StyleChoice): string | Blob | null =>
  "picture" in style ? style.picture.blob : (houseStyle(style.gallery)?.thumbnail ?? null);
