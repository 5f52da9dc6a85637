/** The house styles, from the one list that the page, the functions and the worker share. */

import listing from "@system/gallery.json" with { type: "json" };

export interface HouseStyle {
  id: string;
  title: string;
  thumbnail: string;
}

export const GALLERY: readonly HouseStyle[] = listing.styles.map(({ id, title, thumbnail }) => ({
  id, title, thumbnail: `/gallery/${thumbnail}`,
}));

export const houseStyle = (id: string): HouseStyle | undefined => GALLERY.find((style) => style.id === id);
