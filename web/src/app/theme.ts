/** Light or dark: as the device, unless the visitor chose. */

import { Store, useStore } from "@/shared/lib/store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "nst.theme";
const theme = new Store<Theme>("system");

export const useTheme = (): Theme => useStore(theme);

export function chooseTheme(chosen: Theme): void {
  show(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A window without storage: for as long as it is open.
  }
}

/** Begin with what was chosen before. */
export function beginTheme(): void {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // As the device.
  }
  show(THEMES.find((known) => known === kept) ?? "system");
}

function show(chosen: Theme): void {
  theme.set(chosen);
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
