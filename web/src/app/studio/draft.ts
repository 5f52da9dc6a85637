/** What the visitor has chosen so far. It outlives the screen and the page. */

import { prepare, check, Refused } from "@/features/pictures/lib/prepare";
import { DEFAULTS, recalled, type Params } from "@/features/params/lib/params";
import { shareOf, STYLES_MAX } from "@/features/styles/lib/mix";
import type { Order, StyleChoice } from "@/features/runs/lib/order";
import { readAll, write } from "@/shared/lib/database";
import type { Picture } from "@/shared/lib/pixels";
import { Store, useStore } from "@/shared/lib/store";

export interface Draft {
  content: Picture | null;
  /** A file that is being made ready: shown at once. */
  pending: File | null;
  pendingStyles: number;
  styles: readonly StyleChoice[];
  params: Params;
}

export type Complaint = { refused: Refused } | { full: true };

const KEEP_AFTER_MS = 400;

class DraftStore extends Store<Draft> {
  readonly complaint = new Store<Complaint | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super({ content: null, pending: null, pendingStyles: 0, styles: [], params: DEFAULTS });
    void this.#recall();
  }

  async setContent(file: File): Promise<void> {
    await this.#complaining(async () => {
      await check(file);
      this.#change({ pending: file });
      const content = await prepare(file);
      // Another file may have been chosen meanwhile: the last one counts.
      if (this.get().pending === file) this.#change({ content, pending: null });
    }, () => {
      if (this.get().pending === file) this.#change({ pending: null });
    });
  }

  removeContent(): void {
    this.#change({ content: null, pending: null });
  }

  async addStyles(files: readonly File[]): Promise<void> {
    for (const file of files) {
      if (this.#full()) return;
      this.#change({ pendingStyles: this.get().pendingStyles + 1 });
      await this.#complaining(async () => {
        const picture = await prepare(file);
        if (!this.#full()) this.#change({ styles: [...this.get().styles, { picture, share: 1 }] });
      });
      this.#change({ pendingStyles: this.get().pendingStyles - 1 });
    }
  }

  toggleHouse(id: string): void {
    const { styles } = this.get();
    this.complaint.set(null);
    if (styles.some((style) => "gallery" in style && style.gallery === id)) {
      this.#change({ styles: styles.filter((style) => !("gallery" in style && style.gallery === id)) });
    } else if (!this.#full()) {
      this.#change({ styles: [...styles, { gallery: id, share: 1 }] });
    }
  }

  removeStyle(place: number): void {
    this.complaint.set(null);
    this.#change({ styles: this.get().styles.filter((_, at) => at !== place) });
  }

  setShare(place: number, share: number): void {
    this.#change({ styles: this.get().styles.map((style, at) => (at === place ? { ...style, share: shareOf(share) } : style)) });
  }

  setParams(params: Partial<Params>): void {
    this.#change({ params: { ...this.get().params, ...params } });
  }

  /** Everything as it was for a run, to change something and run again. */
  load({ content, styles, params }: Order): void {
    this.complaint.set(null);
    this.#change({ content, pending: null, styles, params: recalled(params) });
  }

  #full(): boolean {
    if (this.get().styles.length < STYLES_MAX) return false;
    this.complaint.set({ full: true });
    return true;
  }

  async #complaining(work: () => Promise<void>, after?: () => void): Promise<void> {
    this.complaint.set(null);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      after?.();
      this.complaint.set({ refused: error });
    }
  }

  #change(change: Partial<Draft>): void {
    this.set({ ...this.get(), ...change });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { content, styles, params } = this.get();
      void write("draft", "now", { content, styles, params });
    }, KEEP_AFTER_MS);
  }

  async #recall(): Promise<void> {
    const [kept] = await readAll<Pick<Draft, "content" | "styles" | "params">>("draft");
    const { content, pending, styles } = this.get();
    // Whoever is quicker than the storage has chosen already.
    if (!kept || content || pending || styles.length > 0) return;
    this.set({ ...this.get(), ...kept, params: recalled(kept.params) });
  }
}

export const draft = new DraftStore();
export const useDraft = (): Draft => useStore(draft);
export const useComplaint = (): Complaint | null => useStore(draft.complaint);
