/** Waiting that ends early when it should: by abort, or when the page or the network wakes up. */

/**
 * Resolves after `ms`, or at once when the page is looked at again or the network returns; rejects
 * with the signal's reason when that is aborted.
 */
export function nap(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const page = typeof document === "undefined" ? null : document;
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", drop, { once: true });
    page?.addEventListener("visibilitychange", seen);
    page?.defaultView?.addEventListener("online", wake);
    if (signal?.aborted) drop();

    function clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", drop);
      page?.removeEventListener("visibilitychange", seen);
      page?.defaultView?.removeEventListener("online", wake);
    }
    function wake() {
      clear();
      resolve();
    }
    function seen() {
      if (!page?.hidden) wake();
    }
    function drop() {
      clear();
      reject(signal?.reason as Error);
    }
  });
}
