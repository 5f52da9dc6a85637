/** Which language the page speaks. English comes with it, others when they are asked for. */

import { createContext, useContext } from "react";

import { Store } from "@/shared/lib/store";
import { en, type Texts } from "@/shared/texts/en";

const KEY = "nst.language";

/** Code -> its name in itself, and how to load it. */
export const LANGUAGES: Record<string, { name: string; load: () => Promise<Texts> }> = {
  en: { name: "English", load: () => Promise.resolve(en) },
  el: { name: "Ελληνικά", load: async () => (await import("@/shared/texts/el")).el },
};

export const spoken = new Store<Texts>(en);
export const TextsContext = createContext<Texts>(en);

/** Every text, in the visitor's language. */
export const useTexts = (): Texts => useContext(TextsContext);

/** The language to begin with: the one chosen before, else the first of the browser's that we have. */
export function preferred(chosen: string | null, wished: readonly string[]): string {
  const codes = [chosen ?? "", ...wished].map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? "en";
}

/** Speak a language, and remember that it was chosen. */
export async function speak(code: string, { remember }: { remember: boolean }): Promise<void> {
  const texts = await LANGUAGES[code]?.load();
  if (!texts) return;
  spoken.set(texts);
  document.documentElement.lang = code;
  document.title = texts.title;
  if (remember) store(code);
}

/** Begin with the language that suits the visitor. */
export const begin = () => speak(preferred(stored(), navigator.languages), { remember: false });

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(code: string): void {
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // A window without storage: it asks the browser again next time.
  }
}
